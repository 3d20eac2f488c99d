// $…$, \(…\), $$…$$ and \[…\] by KaTeX, which makes nodes itself; without it, the source.
import { element } from "./dom.js";

// An open block is made again and again with the same formulas; a copy costs a tenth.
const known = new Map();
const mostKnown = 500;

export function formula(source, isBlock) {
  const key = (isBlock ? "b" : "i") + source;
  if (!known.has(key)) {
    if (known.size >= mostKnown) known.delete(known.keys().next().value);
    known.set(key, typeset(source, isBlock));
  }
  return known.get(key).cloneNode(true);
}

function typeset(source, isBlock) {
  const made = element(isBlock ? "div" : "span", { className: "formula" });
  if (!globalThis.katex) {
    made.append(element("code", {}, source));
    return made;
  }
  try {
    globalThis.katex.render(source, made, {
      displayMode: isBlock, throwOnError: true, trust: false, strict: "ignore", maxSize: 40,
      maxExpand: 500,
    });
  } catch {
    made.replaceChildren(element("code", {}, source));
  }
  return made;
}

/** Teaches markdown-it where a formula begins and ends. */
export function addMathematics(parser) {
  parser.inline.ruler.before("escape", "formula", inlineRule);
  parser.block.ruler.before("fence", "formula", blockRule, {
    alt: ["paragraph", "reference", "blockquote", "list"],
  });
}

function inlineRule(state, silent) {
  const text = state.src;
  const at = state.pos;
  const [open, close] = text.startsWith("$$", at) ? ["$$", "$$"]
    : text[at] === "$" ? ["$", "$"]
    : text.startsWith("\\(", at) ? ["\\(", "\\)"]
    : text.startsWith("\\[", at) ? ["\\[", "\\]"] : [];
  if (!open) return false;
  const start = at + open.length;
  const end = text.indexOf(close, start);
  if (end <= start || end >= state.posMax) return false;
  const source = text.slice(start, end);
  // "$5 and $6" is money: a formula touches its signs, and no digit follows it.
  if (open === "$" && (/^\s|\s$/.test(source) || /\d/.test(text[end + 1] ?? ""))) return false;
  if (!silent) state.push("formula", "", 0).content = source;
  state.pos = end + close.length;
  return true;
}

function blockRule(state, startLine, endLine, silent) {
  const lineAt = (line) => state.src.slice(state.bMarks[line] + state.tShift[line], state.eMarks[line]);
  const first = lineAt(startLine).trim();
  const open = first.slice(0, 2);
  if (open !== "$$" && open !== "\\[") return false;
  const close = open === "$$" ? "$$" : "\\]";
  const lines = [];
  let line = startLine;
  for (let rest = first.slice(2); ; rest = lineAt(line).trim()) {
    const end = rest.indexOf(close);
    if (end >= 0) {
      if (rest.slice(end + 2).trim()) return false;
      lines.push(rest.slice(0, end));
      break;
    }
    lines.push(rest);
    if (++line >= endLine) return false;
  }
  if (silent) return true;
  const token = state.push("formula", "", 0);
  token.block = true;
  token.content = lines.join("\n").trim();
  token.map = [startLine, line + 1];
  state.line = line + 1;
  return true;
}
