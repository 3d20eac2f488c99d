// What a person says of an answer: a thumb and a reason, a better answer, a vote.
import { element, iconButton, announce, askText } from "./dom.js";
import { call } from "./api.js";
import { render } from "./markdown.js";

/** Thumbs and the pen, for the bar of an answer. */
export function opinionButtons(message, chat) {
  return [thumb(message, chat, true), thumb(message, chat, false),
    iconButton("edit", "Write a better answer", () => chat.guard(() => improve(message, chat)))];
}

function thumb(message, chat, up) {
  const given = chat.feedback.get(message.id + "thumb");
  return iconButton(up ? "up" : "down", up ? "Good answer" : "Bad answer", () => chat.guard(async () => {
    const now = chat.feedback.get(message.id + "thumb");
    if (now?.up === up) return withdraw(message, chat, "thumb");
    await give(message, chat, { kind: "thumb", up, reason: "" });
    announce("Thank you");
    await explain(message, chat);
  }), { "aria-pressed": String(given?.up === up) });
}

/** Asks why; an answer that was given already is changed. */
async function explain(message, chat) {
  const value = chat.feedback.get(message.id + "thumb");
  const reason = await askText({
    title: value.up ? "What was good about it?" : "What was wrong with it?", text: value.reason,
    note: "If you like, say why. Your mark is kept already.", rows: 3,
  });
  if (reason !== null && reason !== value.reason) await give(message, chat, { ...value, reason });
}

async function improve(message, chat) {
  const before = chat.feedback.get(message.id + "better")?.text ?? message.content;
  const text = await askText({
    title: "What should the answer have been?", text: before, rows: 12,
    note: "Better answers teach the next version of the model.",
  });
  if (text?.trim() && text !== before) {
    await give(message, chat, { kind: "better", text });
    announce("Thank you");
  }
}

async function give(message, chat, value) {
  await call("POST", "feedback", { message: message.id, value });
  chat.feedback.set(message.id + value.kind, value);
  chat.opinionChanged(message);
}

async function withdraw(message, chat, kind) {
  await call("DELETE", `feedback/${message.id}/${kind}`);
  chat.feedback.delete(message.id + kind);
  chat.opinionChanged(message);
}

/** What has been said of an answer, with ways to change it; empty where nothing was. */
export function opinions(message, chat) {
  const place = element("div", { className: "opinions" });
  const thumb = chat.feedback.get(message.id + "thumb");
  const small = (name, action) =>
    element("button", { type: "button", className: "link", onclick: () => chat.guard(action) }, name);
  if (thumb?.reason) {
    place.append(element("p", {}, `Your reason: ${thumb.reason} `, small("Change", () => explain(message, chat))));
  }
  const better = chat.feedback.get(message.id + "better");
  if (better) {
    place.append(element("details", {}, element("summary", {}, "Your better answer"),
      element("div", { className: "text" }, render(better.text)),
      element("p", {}, small("Change", () => improve(message, chat)), " ",
        small("Take back", () => withdraw(message, chat, "better")))));
  }
  const vote = chat.voteOn(message);
  if (vote) place.append(element("p", {}, words(vote, message), " ", small("Compare again", () => chat.compareAgain(message))));
  return place;
}

function words(vote, message) {
  if (vote.choice === "tie") return "You found this answer and the other good.";
  if (vote.choice === "bothBad") return "You found this answer and the other bad.";
  const isLeft = message.id === vote.left;
  return isLeft === (vote.choice === "left") ? "You found this answer the better of two."
    : "You found the other answer better.";
}
