/// A piece of a template's text.
struct TemplateToken {
  enum Kind: Equatable {
    case data(String)
    case statementBegin
    case statementEnd
    case outputBegin
    case outputEnd
    case name(String)
    case text(String)
    case integer(Int)
    case real(Double)
    case symbol(String)
    case end
  }
  let kind: Kind
  let line: Int
}

/// How white space around tags is treated.
public struct JinjaOptions: Sendable, Equatable {
  /// Drops the newline after a statement or a comment.
  public var trimsBlocks: Bool
  /// Drops the blanks before a statement or a comment that begins a line.
  public var stripsBlocks: Bool

  /// The defaults are those of chat templates.
  public init(trimsBlocks: Bool = true, stripsBlocks: Bool = true) {
    self.trimsBlocks = trimsBlocks
    self.stripsBlocks = stripsBlocks
  }
}

/// Splits a template into tokens as jinja2 3.1 does (`jinja2/lexer.py`), with its default
/// delimiters.
struct TemplateLexer {
  private let source: [Unicode.Scalar]
  private let options: JinjaOptions
  private let name: String
  private var position = 0
  private var line = 1
  private var tokens: [TemplateToken] = []

  init(_ text: String, name: String, options: JinjaOptions) {
    var scalars: [Unicode.Scalar] = []
    scalars.reserveCapacity(text.utf8.count)
    var afterReturn = false
    for scalar in text.unicodeScalars {
      if scalar == "\r" {
        scalars.append("\n")
      } else if scalar != "\n" || !afterReturn {
        scalars.append(scalar)
      }
      afterReturn = scalar == "\r"
    }
    if scalars.last == "\n" { scalars.removeLast() }
    source = scalars
    self.options = options
    self.name = name
  }

  mutating func split() throws -> [TemplateToken] {
    while position < source.count { try data() }
    add(.end)
    return tokens
  }

  private mutating func add(_ kind: TemplateToken.Kind) {
    tokens.append(TemplateToken(kind: kind, line: line))
  }

  private func wrong(_ reason: String) -> ChatTemplateError {
    .syntax(template: name, line: line, reason: reason)
  }

  private func at(_ index: Int) -> Unicode.Scalar? {
    index >= 0 && index < source.count ? source[index] : nil
  }

  private func has(_ text: String, at index: Int) -> Bool {
    source[min(max(index, 0), source.count)...].starts(with: text.unicodeScalars)
  }

  /// Goes on to `index`, counting lines.
  private mutating func advance(to index: Int) {
    for scalar in source[position..<index] where scalar == "\n" { line += 1 }
    position = index
  }

  private func pastSpace(_ index: Int) -> Int {
    var index = index
    while let scalar = at(index), PythonText.isSpace(scalar) { index += 1 }
    return index
  }

  /// After a closing delimiter of a statement or comment that begins at `index`, signed or not;
  /// nil where none begins there.
  private func closed(_ delimiter: String, at index: Int) -> Int? {
    let length = delimiter.unicodeScalars.count
    if has("-" + delimiter, at: index) { return pastSpace(index + length + 1) }
    if has("+" + delimiter, at: index) { return index + length + 1 }
    guard has(delimiter, at: index) else { return nil }
    let after = index + length
    return options.trimsBlocks && at(after) == "\n" ? after + 1 : after
  }

  /// Text up to the next tag, and that tag.
  private mutating func data() throws {
    let start = position
    var open = start
    while open < source.count,
      !(source[open] == "{" && (at(open + 1) == "%" || at(open + 1) == "{" || at(open + 1) == "#"))
    {
      open += 1
    }
    guard open < source.count else {
      emit(start..<open)
      return advance(to: open)
    }
    let sign = at(open + 2).flatMap { $0 == "-" || $0 == "+" ? $0 : nil }
    let kind = source[open + 1]
    emit(stripped(start..<open, sign: sign, isOutput: kind == "{"))
    let inside = open + (sign == nil ? 2 : 3)
    if kind == "%", let after = rawBegin(inside) {
      advance(to: after)
      return try raw()
    }
    advance(to: inside)
    switch kind {
    case "#": try comment()
    case "{": try code(isOutput: true)
    default: try code(isOutput: false)
    }
  }

  private mutating func emit(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    add(.data(String(scalars: source[range])))
  }

  /// `range` of text before a tag without what the tag strips.
  private func stripped(
    _ range: Range<Int>, sign: Unicode.Scalar?, isOutput: Bool
  ) -> Range<Int> {
    var end = range.upperBound
    if sign == "-" {
      while end > range.lowerBound, PythonText.isSpace(source[end - 1]) { end -= 1 }
      return range.lowerBound..<end
    }
    guard sign != "+", options.stripsBlocks, !isOutput else { return range }
    while end > range.lowerBound, source[end - 1] != "\n", PythonText.isSpace(source[end - 1]) {
      end -= 1
    }
    let beginsLine = end == 0 || source[end - 1] == "\n"
    return beginsLine ? range.lowerBound..<end : range
  }

  private mutating func comment() throws {
    var index = position
    while index < source.count {
      if let after = closed("#}", at: index) { return advance(to: after) }
      index += 1
    }
    throw wrong("a comment without its end #}")
  }

  /// After `raw %}`, where that is what stands at `index`.
  private func rawBegin(_ index: Int) -> Int? {
    let word = pastSpace(index)
    guard has("raw", at: word) else { return nil }
    let end = pastSpace(word + 3)
    if has("-%}", at: end) { return pastSpace(end + 3) }
    return has("%}", at: end) ? end + 2 : nil
  }

  private mutating func raw() throws {
    let start = position
    var open = start
    while open < source.count {
      if has("{%", at: open) {
        let sign = at(open + 2).flatMap { $0 == "-" || $0 == "+" ? $0 : nil }
        let word = pastSpace(open + (sign == nil ? 2 : 3))
        if has("endraw", at: word), let after = closed("%}", at: pastSpace(word + 6)) {
          emit(stripped(start..<open, sign: sign, isOutput: false))
          return advance(to: after)
        }
      }
      open += 1
    }
    throw wrong("a raw block without its end {% endraw %}")
  }

  /// The tokens of a statement or an output up to its end.
  private mutating func code(isOutput: Bool) throws {
    add(isOutput ? .outputBegin : .statementBegin)
    var brackets: [String] = []
    while position < source.count {
      if brackets.isEmpty, let after = isOutput ? outputClosed() : closed("%}", at: position) {
        add(isOutput ? .outputEnd : .statementEnd)
        return advance(to: after)
      }
      let scalar = source[position]
      switch scalar {
      case _ where PythonText.isSpace(scalar): advance(to: pastSpace(position))
      case "0"..."9": try number()
      case "\"", "'": try text(quote: scalar)
      case _ where PythonText.beginsName(scalar): word()
      default: try symbol(&brackets)
      }
    }
  }

  private func outputClosed() -> Int? {
    if has("-}}", at: position) { return pastSpace(position + 3) }
    return has("}}", at: position) ? position + 2 : nil
  }

  private mutating func word() {
    var end = position
    while let scalar = at(end), PythonText.continuesName(scalar) { end += 1 }
    add(.name(String(scalars: source[position..<end])))
    advance(to: end)
  }

  private mutating func symbol(_ brackets: inout [String]) throws {
    let closing = ["(": ")", "[": "]", "{": "}"]
    var found: String?
    for length in [2, 1] where position + length <= source.count {
      let candidate = String(scalars: source[position..<position + length])
      if Self.symbols.contains(candidate) {
        found = candidate
        break
      }
    }
    guard let found else {
      throw wrong("unexpected character \(String(source[position]).debugDescription)")
    }
    if let close = closing[found] {
      brackets.append(close)
    } else if [")", "]", "}"].contains(found) {
      guard let expected = brackets.popLast() else { throw wrong("unexpected '\(found)'") }
      guard expected == found else {
        throw wrong("unexpected '\(found)', expected '\(expected)'")
      }
    }
    add(.symbol(found))
    advance(to: position + found.unicodeScalars.count)
  }

  private static let symbols: Set<String> = [
    "+", "-", "/", "//", "*", "%", "**", "~", "[", "]", "(", ")", "{", "}", "==", "!=", ">", ">=",
    "<", "<=", "=", ".", ":", "|", ",", ";",
  ]

  /// Digits from `index`, single underscores between them.
  private func digits(from index: Int, _ isDigit: (Unicode.Scalar) -> Bool) -> Int {
    var end = index
    while let scalar = at(end) {
      if isDigit(scalar) {
        end += 1
      } else if scalar == "_", end > index, let next = at(end + 1), isDigit(next) {
        end += 1
      } else {
        break
      }
    }
    return end
  }

  private mutating func number() throws {
    let decimal: (Unicode.Scalar) -> Bool = { ("0"..."9").contains($0) }
    if source[position] == "0", let prefix = at(position + 1) {
      let radixes: [Unicode.Scalar: Int] = ["x": 16, "X": 16, "o": 8, "O": 8, "b": 2, "B": 2]
      if let radix = radixes[prefix] {
        let first = at(position + 2) == "_" ? position + 3 : position + 2
        let end = digits(from: first) { $0.isASCII && Int(String($0), radix: radix) != nil }
        if end > first { return try integer(first..<end, radix: radix) }
      }
    }
    var end = digits(from: position, decimal)
    let whole = end
    // A number after a dot is an element's place: `x.0.1`.
    let followsDot = at(position - 1) == "."
    if !followsDot {
      if at(end) == ".", at(end + 1).map(decimal) == true { end = digits(from: end + 1, decimal) }
      if at(end) == "e" || at(end) == "E" {
        let signed = at(end + 1) == "+" || at(end + 1) == "-"
        let exponent = end + (signed ? 2 : 1)
        if at(exponent).map(decimal) == true { end = digits(from: exponent, decimal) }
      }
    }
    if end == whole {
      if source[position] == "0" {
        // Zeros alone may repeat; 012 is 0 and then 12.
        end = digits(from: position) { $0 == "0" }
      }
      return try integer(position..<end, radix: 10)
    }
    let spelling = String(scalars: source[position..<end].filter { $0 != "_" })
    guard let value = Double(spelling) else { throw wrong("\(spelling) is not a number") }
    add(.real(value))
    advance(to: end)
  }

  private mutating func integer(_ range: Range<Int>, radix: Int) throws {
    let spelling = String(scalars: source[range].filter { $0 != "_" })
    guard let value = Int(spelling, radix: radix) else {
      throw wrong("\(spelling.prefix(40)) is beyond the whole numbers of 64 bits")
    }
    add(.integer(value))
    advance(to: range.upperBound)
  }

  private mutating func text(quote: Unicode.Scalar) throws {
    var end = position + 1
    while let scalar = at(end), scalar != quote { end += scalar == "\\" ? 2 : 1 }
    guard end < source.count else { throw wrong("a string without its end \(quote)") }
    let content = source[position + 1..<end]
    guard let value = PythonText.unescaped(content) else {
      throw wrong("an escape in a string that names no character")
    }
    add(.text(value))
    advance(to: end + 1)
  }
}
