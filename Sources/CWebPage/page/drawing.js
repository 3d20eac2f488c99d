// Drawings of characters keep their lines and columns, though Markdown would take some for quotes or rules.

/** Lines of mostly strokes. */
export function isDrawing(lines) {
  const text = lines.join("").replace(/\s/g, "");
  if (lines.length < 3 || text.length < 12) return false;
  return text.replace(/[\p{L}\p{N}.,;:!?'"]/gu, "").length > 0.55 * text.length;
}

/** What looks like strokes and is none: lists, quotes, tables, formulas, code. */
function isMarkdown(lines) {
  const all = (pattern) => lines.every((line) => pattern.test(line));
  const any = (pattern) => lines.some((line) => pattern.test(line));
  return any(/^ *(```|~~~|\$\$|\\\[)/) || any(/^ {0,3}#{1,6} +[\p{L}\p{N}]/u)
    || /^ *\|?[ :|-]*-[ :|-]*\|[ :|-]*$/.test(lines[1]) || /^ *([-*+]|\d+[.)])( |$)/.test(lines[0])
    || all(/^ *>/) || all(/^( {4}|\t)/);
}

/** Teaches markdown-it that a block of strokes is a drawing. */
export function addDrawings(parser) {
  parser.block.ruler.before("table", "drawing", (state, startLine, endLine, silent) => {
    if (state.level > 0) return false;
    const lines = [];
    let line = startLine;
    for (; line < endLine && !state.isEmpty(line); line++) {
      lines.push(state.src.slice(state.bMarks[line], state.eMarks[line]));
    }
    if (!isDrawing(lines) || isMarkdown(lines)) return false;
    if (silent) return true;
    const token = state.push("drawing", "pre", 0);
    token.block = true;
    token.content = lines.join("\n");
    token.map = [startLine, line];
    state.line = line;
    return true;
  });
}
