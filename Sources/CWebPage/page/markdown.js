// Markdown to nodes, from the tokens of markdown-it. Without that library: the text as it is.
import { element } from "./dom.js";
import { codeBlock } from "./code.js";
import { addDrawings, isDrawing } from "./drawing.js";
import { addMathematics, formula } from "./mathematics.js";

const parser = globalThis.markdownit
  ? globalThis.markdownit({ html: false, linkify: true, typographer: false })
  : null;
if (parser) {
  addMathematics(parser);
  addDrawings(parser);
}

const plainTags = new Set([
  "p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "ul", "ol", "li", "table", "thead", "tbody",
  "tr", "th", "td", "em", "strong", "s",
]);

/** The whole text as nodes. */
export function render(text) {
  return parser ? nodes(parser.parse(text, {}), text) : plain(text);
}

function plain(text) {
  const made = document.createDocumentFragment();
  made.append(element("p", { className: "plain" }, text));
  return made;
}

function nodes(tokens, source) {
  const root = document.createDocumentFragment();
  const lines = source.split("\n");
  build(tokens, root, lines);
  return root;
}

function build(tokens, root, lines) {
  const open = [root];
  const top = () => open[open.length - 1];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    if (token.type === "paragraph_open" && token.map && isDrawing(lines.slice(...token.map))) {
      top().append(drawing(lines.slice(...token.map).join("\n")));
      while (tokens[at].type !== "paragraph_close") at++;
    } else if (token.type === "inline") build(token.children, top(), lines);
    else if (token.nesting === 1) {
      const made = container(token);
      top().append(made);
      open.push(made);
    } else if (token.nesting === -1) {
      const closed = open.pop();
      if (closed.nodeName === "TABLE") fixColumns(closed);
      if (closed.classList?.contains("loose-hidden")) closed.replaceWith(...closed.childNodes);
    } else top().append(leaf(token));
  }
}

/** A long table's columns do not follow from all of its cells: it would be laid out whole for each row. */
function fixColumns(table) {
  if (table.querySelectorAll("tr").length > 40) table.classList.add("large");
}

function container(token) {
  if (token.type === "link_open") return link(token.attrGet("href"), token.attrGet("title"));
  if (!plainTags.has(token.tag)) return element("span");
  // A tight list's paragraphs are there for the parser only.
  if (token.hidden) return element("span", { className: "loose-hidden" });
  const made = element(token.tag);
  const style = token.attrGet("style") ?? "";
  const align = /text-align:(left|right|center)/.exec(style);
  if (align) made.className = "align-" + align[1];
  if (token.tag === "ol" && token.attrGet("start") !== null) made.start = Number(token.attrGet("start"));
  return made;
}

/** Only addresses that open a page or a letter. */
function link(address, title) {
  const safe = /^(https?:|mailto:)/i.test(address ?? "");
  if (!safe) return element("span");
  return element("a", {
    href: address, title: title ?? "", target: "_blank", rel: "noopener noreferrer nofollow",
  });
}

function leaf(token) {
  switch (token.type) {
    case "text": return document.createTextNode(token.content);
    case "softbreak": return document.createTextNode("\n");
    case "hardbreak": return element("br");
    case "hr": return element("hr");
    case "code_inline": return element("code", {}, token.content);
    case "fence":
    case "code_block":
      return codeBlock(token.content, token.info.trim().split(/\s+/)[0]);
    case "image": return image(token);
    case "drawing": return drawing(token.content);
    case "formula": return formula(token.content, token.block);
    default: return document.createTextNode(token.content);
  }
}

const drawing = (text) => element("pre", { className: "drawing", tabIndex: 0 }, text);

/** Pictures that came with the text; those elsewhere become links, so that nobody is told who reads. */
function image(token) {
  const address = token.attrGet("src") ?? "";
  if (/^data:image\/(png|gif|jpeg|webp);/i.test(address)) {
    return element("img", { src: address, alt: token.content });
  }
  const made = link(address);
  made.append(token.content || address);
  return made;
}

/**
 * An answer while it is written: blocks that are complete stay as they are, and only the last one is
 * made again. (A reference that is defined after its use becomes a link when the page is next opened.)
 */
export class GrowingText {
  constructor(place) {
    this.place = place;
    this.open = "";
    this.tail = [];
  }

  append(text) {
    this.open += text;
    if (!parser) {
      if (!this.tail[0]) this.replaceTail(plain(""));
      this.tail[0].append(text);
      return;
    }
    if (this.growFence(text)) return;
    const tokens = parser.parse(this.open, {});
    const blocks = tokens.flatMap((token, at) => (token.level === 0 && token.nesting >= 0 ? [at] : []));
    const start = blocks.at(-1) ?? 0;
    const line = tokens[start]?.map?.[0] ?? 0;
    if (line > 0) {
      // The block that was open stays where it grew; those after it are new.
      const first = blocks[1] ?? start;
      if (this.growItems(tokens.slice(0, first))) this.place.append(nodes(tokens.slice(first, start), this.open));
      else this.replaceTail(nodes(tokens.slice(0, start), this.open));
      this.tail = [];
      this.open = this.open.split("\n").slice(line).join("\n");
      this.replaceTail(nodes(parser.parse(this.open, {}), this.open));
    } else if (!this.growItems(tokens)) this.replaceTail(nodes(tokens, this.open));
    this.enterFence();
  }

  /** Notes whether the last block is a block of code that nothing has closed yet. */
  enterFence() {
    this.fence = undefined;
    const first = /^ {0,3}(`{3,}|~{3,})[^\n]*\n/.exec(this.open);
    if (!first || this.tail.length !== 1) return;
    const body = this.open.slice(first[0].length);
    const close = new RegExp(`(^|\\n) {0,3}\\${first[1][0]}{${first[1].length},}[ \\t]*(\\n|$)`);
    const code = this.tail[0].querySelector("code");
    if (!code || close.test(body)) return;
    code.textContent = body;
    this.fence = first[1];
  }

  /** Inside an open code block only its text grows. */
  growFence(text) {
    if (!this.fence || this.tail.length !== 1) return false;
    const last = this.open.slice(-text.length - this.fence.length - 4);
    if (last.includes(this.fence)) return false;
    this.tail[0].querySelector("code")?.append(text);
    return true;
  }

  replaceTail(fragment) {
    for (const node of this.tail) node.remove();
    this.tail = [...fragment.childNodes];
    this.place.append(fragment);
  }

  /**
   * In an open list or table the items before the last two stay: text that is added changes no others,
   * but for a list that turns from tight to loose. False where there is no such block.
   */
  growItems(tokens) {
    const block = this.tail[0];
    const isList = block?.nodeName === "UL" || block?.nodeName === "OL";
    const items = isList ? block : block?.querySelector("tbody");
    if (this.tail.length !== 1 || !items || !["UL", "OL", "TABLE"].includes(block.nodeName)) return false;
    if (tokens[0].tag !== block.nodeName.toLowerCase()) return false;
    const body = tokens.findIndex((token) => token.type === "tbody_open");
    if (!isList && body < 0) return false;
    const isItem = (token, at) => (isList ? token.type === "list_item_open" && token.level === 1
      : token.type === "tr_open" && at > body);
    const starts = tokens.flatMap((token, at) => (isItem(token, at) ? [at] : []));
    const isTight = tokens.find((token) => token.type === "paragraph_open")?.hidden ?? true;
    if (isTight !== this.isTight || starts.length < items.children.length) {
      this.isTight = isTight;
      return false;
    }
    const keep = Math.max(0, items.children.length - 2);
    const end = tokens.findLastIndex((token) => token.type === (isList ? tokens.at(-1).type : "tbody_close"));
    const fresh = nodes(tokens.slice(starts[keep], end), this.open);
    while (items.children.length > keep) items.lastElementChild.remove();
    items.append(fresh);
    if (!isList) fixColumns(block);
    return true;
  }
}
