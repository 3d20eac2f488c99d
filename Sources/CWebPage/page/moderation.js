// What moderation found, said to whom it concerns: what it may be about, and what can be done.
import { element } from "./dom.js";

const names = {
  "harassment": "harassment",
  "harassment/threatening": "threats",
  "hate": "hate",
  "hate/threatening": "threats out of hate",
  "illicit": "unlawful acts",
  "illicit/violent": "violent unlawful acts",
  "self-harm": "self-harm",
  "self-harm/intent": "the wish to harm oneself",
  "self-harm/instructions": "ways to harm oneself",
  "sexual": "sexual matters",
  "sexual/minors": "the sexuality of minors",
  "violence": "violence",
  "violence/graphic": "graphic violence",
};

const list = new Intl.ListFormat("en", { type: "conjunction" });

/** The categories of a flag in words. */
export const categoryNames = (flag) => list.format(flag.categories.map((one) => names[one] ?? one));

const about = (flag) => (flag?.categories.length ? `It may be about ${categoryNames(flag)}.` : "");

function help(flag) {
  if (!flag?.categories.some((one) => one.startsWith("self-harm"))) return null;
  return element("p", {},
    "If you think of hurting yourself: you are not alone. Please talk to somebody you trust, or call your local emergency number.");
}

/** In place of the answer to a question that no model has seen. `question` is its message. */
export function refusedQuestion(question, answer, chat) {
  const flag = chat.flags.get(question?.id);
  const isHarmless = flag?.state === "dismissed";
  const notice = element("div", { className: "notice", role: "note" },
    element("strong", {}, isHarmless ? "This question may be asked again" : "This question was not answered"),
    element("p", {}, isHarmless
      ? "An administrator has looked at it, and found it harmless."
      : `${about(flag)} The model has not seen it. Say it in other words, or ask something else; if it was meant otherwise, an administrator of this service sees it, and can let it through.`),
    isHarmless ? null : help(flag));
  const action = isHarmless
    ? element("button", { type: "button", onclick: () => chat.guard(() => chat.regenerate(answer)) }, "Ask again")
    : element("button", { type: "button", onclick: () => chat.edit(question) }, "Change the question");
  if (question) notice.append(element("div", { className: "row" }, action));
  return notice;
}

/** Beside what was written of an answer that was stopped. */
export function stoppedAnswer(answer, chat) {
  const flag = chat.flags.get(answer.id);
  return element("div", { className: "notice", role: "note" },
    element("strong", {}, "This answer was stopped"),
    element("p", {}, `${about(flag)} Answer again for another one, or change the question. An administrator of this service sees what was stopped.`),
    help(flag));
}

/** A line under a message that was let through, and marked. */
export function flagged(message, chat) {
  const flag = chat.flags.get(message.id);
  if (!flag || flag.refused || flag.state === "dismissed") return null;
  return element("p", { className: "flagged" },
    `Flagged: it may be about ${categoryNames(flag)}. Administrators of this service can see it.`);
}
