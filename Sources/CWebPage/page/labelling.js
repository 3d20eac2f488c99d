// Several answers to one question, put in order by an administrator.
import { element, announce } from "./dom.js";
import { call, follow } from "./api.js";
import { render } from "./markdown.js";

export function labellingDesk() {
  const question = element("textarea", { rows: 2, placeholder: "A question", "aria-label": "Question to label" });
  const count = element("select", { "aria-label": "How many answers" },
    [3, 4, 5, 2].map((number) => element("option", {}, String(number))));
  const results = element("ol", { className: "ranking" });
  const save = element("button", { type: "button", className: "primary", hidden: true }, "Save this order");
  const error = element("p", { role: "alert" });
  const ask = async (event) => {
    event.preventDefault();
    error.textContent = "";
    try {
      const conversation = await call("POST", "conversations", { title: "Labelling", sampling: { temperature: 1 } });
      const asked = await call("POST", `conversations/${conversation.id}/messages`,
        { content: question.value, answers: Number(count.value) });
      if (asked.crowded) throw new Error(`Too crowded: try again in ${Math.ceil(asked.crowded)} s.`);
      results.replaceChildren(...asked.answers.map((answer) => row(answer)));
      save.hidden = false;
    } catch (refused) { error.textContent = refused.message; }
  };
  save.addEventListener("click", async () => {
    const best = [...results.children].map((item) => item.dataset.id);
    await call("POST", "feedback", { message: best[0], value: { kind: "ranking", best } });
    results.replaceChildren();
    save.hidden = true;
    announce("The order is kept");
  });
  return element("div", { className: "labelling" },
    element("form", { onsubmit: ask }, question, element("div", { className: "row" }, count,
      element("button", { className: "primary" }, "Write answers"))), error, results, save);
}

function row(answer) {
  const text = element("div", { className: "text" }, "…");
  const item = element("li", {}, text);
  item.dataset.id = answer.id;
  const move = (by) => {
    const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (other) by < 0 ? other.before(item) : other.after(item);
    announce(`Now at place ${[...item.parentNode.children].indexOf(item) + 1}`);
  };
  item.prepend(element("span", { className: "moves" },
    element("button", { type: "button", onclick: () => move(-1) }, "Better"),
    element("button", { type: "button", onclick: () => move(1) }, "Worse")));
  let whole = "";
  follow(answer.id, 0, (fresh) => { whole += fresh; }, () => text.replaceChildren(render(whole)));
  return item;
}
