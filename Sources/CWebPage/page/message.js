// One message on the page: its text, and what can be done with it.
import { element, iconButton, announce, askText } from "./dom.js";
import { render, GrowingText } from "./markdown.js";
import { colourAll } from "./code.js";
import { call, follow } from "./api.js";

const nearby = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) entry.target.fill?.();
}, { rootMargin: "800px" });

/**
 * The node of a message. `chat` does what the buttons say; `options.now` makes its Markdown at once,
 * else when it comes near the window; `options.blind` hides what tells answers apart.
 */
export function messageNode(message, chat, options = {}) {
  const isAnswer = message.role === "assistant";
  const text = element("div", { className: "text" });
  const node = element("article", {
    className: `message ${message.role}`,
    "aria-label": isAnswer ? `Answer${options.blind ? " " + options.blind : ""}` : "You",
  }, options.blind ? element("h2", { className: "blind" }, "Answer " + options.blind) : null, text);
  node.dataset.id = message.id;
  if (isAnswer && message.state === "writing") writeInto(node, text, message, chat, options);
  else if (isAnswer) fillLater(node, text, message, options);
  else text.append(element("p", { className: "plain" }, message.content));
  if (!options.blind) node.append(isAnswer ? answerBar(message, chat, node) : questionBar(message, chat));
  return node;
}

function fillLater(node, text, message, options) {
  const fill = () => {
    nearby.unobserve(node);
    node.fill = null;
    text.replaceChildren(render(message.content));
  };
  if (options.now) return fill();
  text.append(element("p", { className: "plain" }, message.content));
  node.fill = fill;
  nearby.observe(node);
}

/** Follows an answer while it is written; at most one change of the page a frame. */
function writeInto(node, text, message, chat, options) {
  node.classList.add("writing");
  node.setAttribute("aria-busy", "true");
  text.append(element("span", { className: "waiting", "aria-label": "Waiting" }));
  let growing = null;
  let waiting = "";
  let last = null;
  let frame = 0;
  const show = () => {
    frame = 0;
    if (waiting) {
      if (!growing) {
        text.replaceChildren();
        growing = new GrowingText(text);
      }
      const fresh = waiting.slice(0, 4000);
      waiting = waiting.slice(fresh.length);
      growing.append(fresh);
    }
    if (!options.blind) showCounter(node, last);
    if (waiting) frame = requestAnimationFrame(show);
    else if (last.state !== "writing") end();
  };
  const end = () => {
    Object.assign(message, {
      state: last.state, tokens: last.tokens, seconds: last.seconds, promptTokens: last.promptTokens,
    });
    node.classList.remove("writing");
    node.removeAttribute("aria-busy");
    if (!growing) text.replaceChildren();
    note(node, message);
    colourAll(node);
    announce(message.state === "failed" ? "The answer failed" : "The answer is complete");
    chat.answerEnded(message);
  };
  const take = (fresh, slice) => {
    waiting += fresh;
    message.content += fresh;
    last = slice;
    if (!frame) frame = requestAnimationFrame(show);
    // Hidden pages get no frames, and must not gather work for the moment they are shown.
    if (document.hidden) { cancelAnimationFrame(frame); frame = 0; setTimeout(show); }
  };
  message.content = "";
  chat.following.set(message.id, follow(message.id, 0, take, (slice) => {
    last = { ...last, ...slice };
    if (!frame) show();
  }));
}

function note(node, message) {
  const words = { failed: "The answer could not be finished.", length: "The answer reached its most tokens." };
  if (words[message.state]) {
    node.querySelector(".text").append(element("p", { className: "note" }, words[message.state]));
  }
}

function showCounter(node, slice) {
  const place = node.querySelector(".counter");
  if (!place || !slice?.tokens) return;
  const speed = slice.seconds > 0 ? ` · ${(slice.tokens / slice.seconds).toFixed(1)} tokens/s` : "";
  place.textContent = `${slice.tokens} tokens${speed}`;
}

function branchButtons(message, chat) {
  const siblings = chat.tree.siblings(message);
  if (siblings.length < 2) return null;
  const at = siblings.indexOf(message.id);
  const step = (by) => chat.showBranch(siblings[at + by]);
  return element("span", { className: "branches", role: "group", "aria-label": "Versions" },
    iconButton("left", "Previous version", () => step(-1), { disabled: at === 0 }),
    element("span", { className: "place" }, `${at + 1} / ${siblings.length}`),
    iconButton("right", "Next version", () => step(1), { disabled: at === siblings.length - 1 }));
}

function questionBar(message, chat) {
  return element("div", { className: "bar" }, branchButtons(message, chat),
    iconButton("edit", "Edit, and ask again", () => chat.edit(message)));
}

function answerBar(message, chat, node) {
  const copy = iconButton("copy", "Copy the answer", async () => {
    await navigator.clipboard.writeText(message.content);
    announce("Copied");
  });
  const bar = element("div", { className: "bar" }, branchButtons(message, chat), copy,
    iconButton("again", "Answer again", () => chat.regenerate(message)),
    thumb(message, chat, true), thumb(message, chat, false),
    iconButton("edit", "Write a better answer", () => improve(message, chat)),
    element("span", { className: "counter" }));
  queueMicrotask(() => { if (message.state !== "writing") showCounter(node, message); });
  return bar;
}

function thumb(message, chat, up) {
  const given = chat.feedback.get(message.id + "thumb");
  return iconButton(up ? "up" : "down", up ? "Good answer" : "Bad answer", async (event) => {
    const button = event.currentTarget;
    const bar = button.parentNode;
    if (button.getAttribute("aria-pressed") === "true") {
      await call("DELETE", `feedback/${message.id}/thumb`);
      chat.feedback.delete(message.id + "thumb");
      button.setAttribute("aria-pressed", "false");
      return;
    }
    const value = { kind: "thumb", up, reason: "" };
    await give(message, chat, value);
    for (const other of bar.querySelectorAll("[aria-pressed]")) other.setAttribute("aria-pressed", "false");
    button.setAttribute("aria-pressed", "true");
    announce("Thank you");
    const reason = await askText({
      title: up ? "What was good about it?" : "What was wrong with it?",
      note: "If you like, say why. Your mark is kept already.", rows: 3,
    });
    if (reason) await give(message, chat, { ...value, reason });
  }, { "aria-pressed": String(given?.up === up) });
}

async function give(message, chat, value) {
  await call("POST", "feedback", { message: message.id, value });
  chat.feedback.set(message.id + value.kind, value);
}

async function improve(message, chat) {
  const before = chat.feedback.get(message.id + "better")?.text ?? message.content;
  const text = await askText({
    title: "What should the answer have been?", text: before, rows: 12,
    note: "Better answers teach the next version of the model.",
  });
  if (text?.trim() && text !== message.content) {
    await give(message, chat, { kind: "better", text });
    announce("Thank you");
  }
}
