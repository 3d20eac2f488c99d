// One message on the page: its text, and what can be done with it.
import { element, iconButton, announce } from "./dom.js";
import { render, GrowingText } from "./markdown.js";
import { colourAll } from "./code.js";
import { follow } from "./api.js";
import { flagged, refusedQuestion, stoppedAnswer } from "./moderation.js";
import { opinionButtons, opinions } from "./opinion.js";

const nearby = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) entry.target.fill?.();
}, { rootMargin: "800px" });

/**
 * The node of a message. `chat` does what the buttons say; `options.now` makes its Markdown at once,
 * else when it comes near the window; `options.bare` leaves even its buttons for then; `options.blind`
 * hides what tells answers apart.
 */
export function messageNode(message, chat, options = {}) {
  const isAnswer = message.role === "assistant";
  const text = element("div", { className: "text" });
  const node = element("article", {
    className: `message ${message.role}`,
    "aria-label": isAnswer ? `Answer${options.blind ? " " + options.blind : ""}` : "You",
  }, options.blind ? element("h2", { className: "blind" }, "Answer " + options.blind) : null, text);
  node.dataset.id = message.id;
  const isWriting = isAnswer && message.state === "writing";
  const isBare = options.bare && !isWriting && message.state !== "refused";
  if (isWriting) writeInto(node, text, message, chat, options);
  else if (isAnswer || isBare) fillLater(node, text, message, chat, { ...options, bare: isBare });
  else text.append(element("p", { className: "plain" }, message.content));
  if (!isWriting && !isBare) node.append(...marks(message, chat));
  if (!options.blind && !isBare) node.append(...tools(message, chat));
  return node;
}

/** What stands under the text: its mark, its buttons, and what was said of it. */
function tools(message, chat) {
  if (message.role !== "assistant") return [questionBar(message, chat)];
  return message.state === "refused" ? [answerBar(message, chat)]
    : [answerBar(message, chat), opinions(message, chat)];
}

const marks = (message, chat) => [flagged(message, chat)].filter(Boolean);

/** Shows what is now said of an answer. */
export function refreshOpinion(node, message, chat) {
  const focused = document.activeElement?.getAttribute("aria-label");
  for (const old of node.querySelectorAll(":scope > .bar, :scope > .opinions")) old.remove();
  node.append(...tools(message, chat));
  if (focused) node.querySelector(`[aria-label="${focused}"]`)?.focus();
}

function fillLater(node, text, message, chat, options) {
  const fill = () => {
    nearby.unobserve(node);
    node.fill = null;
    if (message.role === "assistant") text.replaceChildren(...whole(message, chat));
    if (options.bare) {
      node.append(...marks(message, chat));
      refreshOpinion(node, message, chat);
    }
  };
  if (options.now || message.state === "refused") return fill();
  text.append(element("p", { className: "plain" }, message.content));
  node.fill = fill;
  nearby.observe(node);
}

/** The text of an answer that has ended, and how it ended where that is not just so. */
function whole(message, chat) {
  if (message.state !== "refused") return [render(message.content), ...ending(message, chat)];
  if (!message.content) return [refusedQuestion(chat.tree.byId.get(message.parent), message, chat)];
  return [...ending(message, chat), element("details", { className: "withheld" },
    element("summary", {}, "What was written before"), render(message.content))];
}

function ending(message, chat) {
  const again = (words, name) => element("p", { className: "note" }, words + " ", element("button", {
    type: "button", className: "link", onclick: () => chat.guard(() => chat.regenerate(message)),
  }, name));
  switch (message.state) {
    case "failed": return [again("The answer could not be finished.", "Try again")];
    case "length": return [element("p", { className: "note" },
      "The answer reached its most tokens; Settings allow more.")];
    case "refused": return [stoppedAnswer(message, chat)];
    default: return [];
  }
}

/** Follows an answer while it is written; at most one change of the page a frame. */
function writeInto(node, text, message, chat, options) {
  node.classList.add("writing");
  node.setAttribute("aria-busy", "true");
  text.append(element("span", { className: "waiting", role: "img", "aria-label": "Waiting" }));
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
      const fresh = waiting.slice(0, 1200);
      waiting = waiting.slice(fresh.length);
      growing.append(fresh);
    }
    if (!options.blind) showCounter(node, last);
    if (waiting) frame = requestAnimationFrame(show);
    else if (last.state !== "writing") end();
  };
  const end = () => {
    for (const name of ["state", "tokens", "seconds", "wait", "promptTokens"]) message[name] = last[name] ?? 0;
    if (last.flag) chat.flags.set(message.id, last.flag);
    node.classList.remove("writing");
    node.removeAttribute("aria-busy");
    if (!growing) text.replaceChildren();
    if (message.state === "refused") {
      text.replaceChildren(...whole(message, chat));
      if (!options.blind) refreshOpinion(node, message, chat);
    } else text.append(...ending(message, chat));
    text.after(...marks(message, chat));
    colourAll(node);
    announce({ failed: "The answer failed", refused: "The answer was stopped" }[message.state]
      ?? "The answer is complete");
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

/** Tokens as the service counts them, and how fast they came once they did. */
function showCounter(node, slice) {
  const place = node.querySelector(".counter");
  if (!place || !slice?.tokens) return;
  const writing = slice.seconds - slice.wait;
  const speed = slice.tokens > 1 && writing > 0 ? ` · ${((slice.tokens - 1) / writing).toFixed(1)} tokens/s` : "";
  place.textContent = (slice.tokens === 1 ? "1 token" : `${slice.tokens} tokens`) + speed;
  place.title = `${slice.promptTokens} tokens read; the first word after ${slice.wait.toFixed(1)} s`;
}

function branchButtons(message, chat) {
  const siblings = chat.tree.siblings(message);
  if (siblings.length < 2) return null;
  const at = siblings.indexOf(message.id);
  const step = (by) => chat.guard(() => chat.showBranch(siblings[at + by]));
  return element("span", { className: "branches", role: "group", "aria-label": "Versions" },
    iconButton("left", "Previous version", () => step(-1), { disabled: at === 0 }),
    element("span", { className: "place" }, `${at + 1} / ${siblings.length}`),
    iconButton("right", "Next version", () => step(1), { disabled: at === siblings.length - 1 }));
}

function questionBar(message, chat) {
  const isUnanswered = !chat.tree.under.has(message.id);
  return element("div", { className: "bar" }, branchButtons(message, chat),
    iconButton("edit", "Edit, and ask again", () => chat.edit(message)),
    isUnanswered ? iconButton("again", "Answer this question",
      () => chat.guard(() => chat.answerAgain(message.id, 1))) : null);
}

function answerBar(message, chat) {
  const again = iconButton("again", "Answer again", () => chat.guard(() => chat.regenerate(message)));
  if (message.state === "refused") {
    return element("div", { className: "bar" }, branchButtons(message, chat), message.content ? again : null);
  }
  const copy = iconButton("copy", "Copy the answer", async () => {
    await navigator.clipboard.writeText(message.content);
    announce("Copied");
  });
  const bar = element("div", { className: "bar" }, branchButtons(message, chat), copy, again,
    opinionButtons(message, chat), element("span", { className: "counter" }));
  if (message.state !== "writing") showCounter(bar, message);
  return bar;
}
