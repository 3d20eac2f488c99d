// Blocks of code: a copy button, and colours when highlight.js is there.
import { element, announce } from "./dom.js";

const longest = 20_000;
// Large, and needed only where there is code: it comes with the first block.
let colours = null;
const loadColours = () => {
  colours ??= import("./libraries/highlight.js").then(() => globalThis.hljs, () => null);
  return colours;
};
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    seen.unobserve(entry.target);
    loadColours().then((hljs) => hljs && requestIdleCallback(() => colour(entry.target)));
  }
}, { rootMargin: "400px" });

/** A block of `text` in `language`, which may be empty. */
export function codeBlock(text, language) {
  const code = element("code", { tabIndex: 0 }, text.replace(/\n$/, ""));
  code.dataset.language = language;
  const copy = element("button", {
    type: "button",
    className: "copy",
    onclick: async () => {
      await navigator.clipboard.writeText(code.textContent);
      copy.textContent = "Copied";
      announce("Copied");
      setTimeout(() => { copy.textContent = "Copy"; }, 1500);
    },
  }, "Copy");
  if (language) seen.observe(code);
  return element("figure", { className: "code" },
    element("figcaption", {}, element("span", {}, language || "text"), copy),
    element("pre", {}, code));
}

/** What is still being written keeps its one text; it is coloured once it rests. */
function colour(code) {
  const text = code.textContent;
  const isGrowing = code.closest(".writing figure:last-child");
  if (!code.isConnected || isGrowing || text.length > longest) return;
  if (!globalThis.hljs.getLanguage(code.dataset.language)) return;
  code.replaceChildren(nodes(globalThis.hljs.highlight(code.dataset.language, text, true).value));
}

/** Colours what was left while an answer was being written. */
export function colourAll(place) {
  for (const code of place.querySelectorAll("figure.code code")) {
    if (code.dataset.language) seen.observe(code);
  }
}

const entities = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": "\"", "&#x27;": "'" };

/** highlight.js writes nothing but spans with a class, and five entities: read as just that. */
function nodes(marked) {
  const root = document.createDocumentFragment();
  const open = [root];
  for (const [part] of marked.matchAll(/<span class="[^"]*">|<\/span>|[^<]+/g)) {
    const top = open[open.length - 1];
    if (part.startsWith("<span")) {
      const span = element("span", { className: part.slice(13, -2) });
      top.append(span);
      open.push(span);
    } else if (part === "</span>") {
      if (open.length > 1) open.pop();
    } else top.append(part.replace(/&(amp|lt|gt|quot|#x27);/g, (entity) => entities[entity]));
  }
  return root;
}
