// Several answers to one question, put in order by an administrator. #label/ID is a question asked.
import { byId, element, announce } from "./dom.js";
import { call, follow } from "./api.js";
import { render } from "./markdown.js";

let following = [];

/** Shows the desk: empty, or with the answers of the conversation `id`. */
export async function showLabelling(id, models) {
  leaveLabelling();
  const place = byId("labelling");
  place.replaceChildren(element("p", { className: "small" },
    "Answers of one model, each drawn anew, without anything that tells them apart. The best goes to the top."));
  if (id) await showAnswers(place, id);
  else place.append(questionForm(models));
}

export function leaveLabelling() {
  for (const end of following) end();
  following = [];
}

function questionForm(models) {
  const question = element("textarea", {
    rows: 3, placeholder: "A question", "aria-label": "Question to label", required: true,
  });
  const count = element("select", { name: "count", "aria-label": "How many answers" },
    [3, 4, 5, 2].map((number) => element("option", { value: number }, `${number} answers`)));
  const model = element("select", { name: "model", "aria-label": "Model" },
    models.map((one) => element("option", {}, one.name)));
  const temperature = element("input", {
    type: "number", min: 0, max: 2, step: 0.05, value: 1, id: "label-temperature",
  });
  const error = element("p", { role: "alert" });
  const ask = async (event) => {
    event.preventDefault();
    error.textContent = "";
    try {
      const { id } = await call("POST", "conversations", {
        title: `Labelling: ${question.value.trim().slice(0, 60)}`, model: model.value,
        sampling: { temperature: Number(temperature.value) },
      });
      const asked = await call("POST", `conversations/${id}/messages`,
        { content: question.value, answers: Number(count.value) });
      if (asked.crowded) {
        await call("DELETE", "conversations/" + id);
        throw new Error(`Too many people are asking right now: try again in ${Math.ceil(asked.crowded)} s.`);
      }
      location.hash = "label/" + id;
    } catch (refused) { error.textContent = refused.message; }
  };
  return element("form", { onsubmit: ask }, question,
    element("div", { className: "row" }, count, model,
      element("label", { className: "line" }, "Temperature ", temperature),
      element("button", { className: "primary" }, "Write answers")), error);
}

async function showAnswers(place, id) {
  const whole = await call("GET", "conversations/" + encodeURIComponent(id));
  const question = whole.messages.find((message) => message.role === "user");
  const answers = whole.messages.filter((message) => message.parent === question?.id);
  const ranking = whole.feedback.find((one) => one.value.kind === "ranking")?.value.best;
  if (ranking) answers.sort((a, b) => ranking.indexOf(a.id) - ranking.indexOf(b.id));
  const list = element("ol", { className: "ranking" });
  const kept = element("span", { className: "state", role: "status" }, ranking ? "Order kept" : "");
  const moved = () => { kept.textContent = ""; };
  list.append(...answers.map((answer) => row(answer, moved)));
  const error = element("p", { role: "alert" });
  const keep = async () => {
    const best = [...list.children].map((item) => item.dataset.id);
    try {
      // A ranking lies on the first of the answers, whatever their order: one a question.
      await call("POST", "feedback", { message: answers.map((one) => one.id).sort()[0], value: { kind: "ranking", best } });
      kept.textContent = "Order kept";
    } catch (refused) { error.textContent = refused.message; }
  };
  place.append(element("blockquote", { className: "plain" }, question?.content ?? ""), list,
    answers.length > 1 ? element("div", { className: "row" },
      element("button", { type: "button", className: "primary", onclick: keep }, "Keep this order"), kept,
      element("a", { className: "button", href: "#label" }, "Next question")) : element("p", {},
      "This question was not answered: moderation refuses it. ", element("a", { href: "#label" }, "Next question")),
    error);
}

function row(answer, moved) {
  const text = element("div", { className: "text" }, "…");
  const item = element("li", {}, text);
  item.dataset.id = answer.id;
  const move = (by) => {
    const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return;
    if (by < 0) other.before(item);
    else other.after(item);
    moved();
    announce(`Now at place ${[...item.parentNode.children].indexOf(item) + 1}`);
  };
  const button = (name, by) => element("button", {
    type: "button", onclick: (event) => { move(by); event.currentTarget.focus(); },
  }, name);
  item.prepend(element("span", { className: "moves" }, button("Better", -1), button("Worse", 1)));
  const show = () => text.replaceChildren(answer.state === "refused" && !answer.content ? "Refused by moderation." : render(answer.content));
  if (answer.state !== "writing") show();
  else {
    item.classList.add("writing");
    answer.content = "";
    following.push(follow(answer.id, 0, (fresh) => { answer.content += fresh; }, (slice) => {
      answer.state = slice.state;
      item.classList.remove("writing");
      show();
    }));
  }
  return item;
}
