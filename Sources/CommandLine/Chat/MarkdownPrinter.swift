/// Colours Markdown for a terminal as it streams in: headings, emphasis, code, lists, quotes.
///
/// The text itself is not changed but for the markers that the colours stand for; only characters
/// that may yet become a marker are held back.
package struct MarkdownPrinter {
  private enum Style {
    static let reset = "\u{1B}[0m"
    static let bold = "\u{1B}[1m"
    static let dim = "\u{1B}[2m"
    static let italic = "\u{1B}[3m"
    static let code = "\u{1B}[36m"
    static let heading = "\u{1B}[1;35m"
    static let bullet = "\u{1B}[33m"
  }

  private var isLineStart = true
  private var isHeading = false
  private var isBold = false
  private var isItalic = false
  private var isCode = false
  /// Inside a fenced block, and its fence.
  private var fence: String?
  /// What may become a marker with what comes next.
  private var held = ""
  private var previous: Character = "\n"

  package init() {}

  /// What to print for the next piece of text.
  package mutating func append(_ text: String) -> String {
    var output = ""
    var pending = held + text
    held = ""
    while !pending.isEmpty {
      guard let taken = step(pending, isLast: false, &output) else {
        held = pending
        break
      }
      pending.removeFirst(taken)
    }
    return output
  }

  /// What was held back, and the end of all colours.
  package mutating func finish() -> String {
    var output = ""
    var pending = held
    held = ""
    while !pending.isEmpty { pending.removeFirst(step(pending, isLast: true, &output) ?? 1) }
    return output + Style.reset
  }

  /// Prints what the text begins with; how many characters that was, or nil when it takes more text
  /// to know.
  private mutating func step(_ text: String, isLast: Bool, _ output: inout String) -> Int? {
    if isLineStart {
      guard let taken = lineStart(text, isLast: isLast, &output) else { return nil }
      if taken > 0 { return taken }
    }
    let first = text.first!
    if first == "\n" {
      endLine(&output)
      return 1
    }
    if fence != nil {
      put(String(first), &output)
      return 1
    }
    return inline(text, first, isLast: isLast, &output)
  }

  /// Markers of a line's beginning: fences, headings, bullets, quotes.
  private mutating func lineStart(
    _ text: String, isLast: Bool, _ output: inout String
  ) -> Int? {
    let body = text.drop { $0 == " " }
    let indent = text.count - body.count
    guard let first = body.first else { return isLast ? 0 : nil }
    let run = body.prefix { $0 == first }.count
    let isWhole = isLast || body.count > run
    switch first {
    case "`", "~":
      guard isWhole || run >= 16 else { return nil }
      guard run >= 3 else { break }
      return fenceLine(text, indent: indent, marker: String(body.prefix(run)), isLast, &output)
    case "#" where fence == nil:
      guard isWhole else { return nil }
      guard run <= 6, body.dropFirst(run).first == " " || body.dropFirst(run).first == nil else {
        break
      }
      isHeading = true
      output += Style.heading
    case "-" where fence == nil, "*" where fence == nil, "+" where fence == nil:
      guard isWhole else { return nil }
      guard run == 1, body.dropFirst().first == " " else { break }
      put(String(repeating: " ", count: indent), &output)
      output += Style.bullet + "•" + Style.reset
      restore(&output)
      previous = "•"
      isLineStart = false
      return indent + 1
    case ">" where fence == nil:
      output += Style.dim
      isHeading = true
    default: break
    }
    isLineStart = false
    return 0
  }

  /// A whole line that opens or closes a fenced block.
  private mutating func fenceLine(
    _ text: String, indent: Int, marker: String, _ isLast: Bool, _ output: inout String
  ) -> Int? {
    let line = text.prefix { $0 != "\n" }
    guard line.count < text.count || isLast else { return nil }
    let info = line.dropFirst(indent + marker.count)
    if let open = fence {
      guard marker.hasPrefix(open), info.allSatisfy({ $0 == " " }) else {
        isLineStart = false
        return 0
      }
      fence = nil
      output += Style.dim + line + Style.reset
    } else {
      fence = marker
      output += Style.dim + line + Style.reset + Style.code
    }
    isLineStart = false
    return line.count
  }

  /// Emphasis and code within a line.
  private mutating func inline(
    _ text: String, _ first: Character, isLast: Bool, _ output: inout String
  ) -> Int? {
    if first == "`" {
      let run = text.prefix { $0 == "`" }.count
      guard isLast || text.count > run else { return nil }
      guard run == 1 else {
        put(String(repeating: "`", count: run), &output)
        return run
      }
      isCode.toggle()
      output += isCode ? Style.code : Style.reset
      if !isCode { restore(&output) }
      previous = "`"
      return 1
    }
    guard first == "*", !isCode else {
      put(String(first), &output)
      return 1
    }
    let run = text.prefix { $0 == "*" }.count
    guard isLast || text.count > run else { return nil }
    let next = text.dropFirst(run).first ?? "\n"
    let opens = !next.isWhitespace
    let closes = !previous.isWhitespace
    if run >= 2, isBold ? closes : opens {
      isBold.toggle()
      output += isBold ? Style.bold : Style.reset
      if !isBold { restore(&output) }
      return 2
    }
    if run == 1, isItalic ? closes : opens {
      isItalic.toggle()
      output += isItalic ? Style.italic : Style.reset
      if !isItalic { restore(&output) }
      return 1
    }
    put(String(repeating: "*", count: run), &output)
    return run
  }

  private mutating func endLine(_ output: inout String) {
    if isHeading || isBold || isItalic || isCode { output += Style.reset }
    (isHeading, isBold, isItalic, isCode) = (false, false, false, false)
    output += "\n"
    previous = "\n"
    isLineStart = true
  }

  /// The colours that go on after a reset.
  private func restore(_ output: inout String) {
    if isHeading { output += Style.heading }
    if isBold { output += Style.bold }
    if isItalic { output += Style.italic }
  }

  private mutating func put(_ text: String, _ output: inout String) {
    output += text
    if let last = text.last { previous = last }
  }
}
