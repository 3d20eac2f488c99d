/// A value of JSON (RFC 8259). Members keep their order, and keys differ when their scalars do:
/// Swift's own dictionaries of strings would take "é" and "e" with an accent for one token.
package enum JSONValue: Sendable {
  case null
  case bool(Bool)
  case number(Double)
  /// A number spelled as a whole one; only where the parser is asked to keep them apart.
  case integer(Int)
  case string(String)
  case array([JSONValue])
  case object([(key: String, value: JSONValue)])

  /// The first member of that name; nil where there is none or it is null.
  package subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    let found = members.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
    if case .null? = found { return nil }
    return found
  }

  package var string: String? { if case .string(let value) = self { value } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  package var members: [(key: String, value: JSONValue)]? {
    if case .object(let value) = self { value } else { nil }
  }
  /// The number where it is whole and fits.
  package var integer: Int? {
    switch self {
    // What is less than the least one rounds to it.
    case .number(let value): value > -0x1p63 ? Int(exactly: value) : nil
    case .integer(let value): value
    default: nil
    }
  }

  /// Parses a whole text of JSON; throws `JSONProblem`. `keepsIntegers` gives `1` as `.integer` and
  /// `1.0` as `.number`; `deepest` is how many arrays and objects may be within one another, and
  /// `mostValues` how many values there may be in all, so that `[[],[],…` does not become gigabytes.
  package init(
    parsing bytes: [UInt8], keepsIntegers: Bool = false, deepest: Int = 128,
    mostValues: Int = 8 << 20
  ) throws {
    var parser = JSONParser(
      bytes: bytes, keepsIntegers: keepsIntegers, deepest: deepest, mostValues: mostValues)
    self = try parser.document()
  }

  /// The value as a text of JSON, on one line.
  package var text: String {
    switch self {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .number(let value):
      integer.map(String.init) ?? (value.isFinite ? "\(value)" : "null")
    case .integer(let value): String(value)
    case .string(let value): Self.quoted(value)
    case .array(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
    case .object(let members):
      "{" + members.map { Self.quoted($0.key) + ": " + $0.value.text }.joined(separator: ", ") + "}"
    }
  }

  /// `text` as JSON spells it, with its quotes. What is not ASCII stays as it is.
  package static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\u{0}"..."\u{1F}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

/// Where and why a text is not JSON.
package struct JSONProblem: Error, CustomStringConvertible {
  /// From 1.
  package let line: Int
  package let reason: String
  package var description: String { "line \(line): \(reason)" }
}

private struct JSONParser {
  private let bytes: [UInt8]
  private let keepsIntegers: Bool
  private let deepest: Int
  private let mostValues: Int
  private var position = 0
  private var depth = 0
  private var valueCount = 0

  init(bytes: [UInt8], keepsIntegers: Bool, deepest: Int, mostValues: Int) {
    self.bytes = bytes
    self.keepsIntegers = keepsIntegers
    self.deepest = deepest
    self.mostValues = mostValues
  }

  mutating func document() throws -> JSONValue {
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    let result = try value()
    skipSpace()
    guard position == bytes.count else { throw problem("text after the end of the value") }
    return result
  }

  private func problem(_ reason: String) -> JSONProblem {
    let before = bytes[..<min(position, bytes.count)]
    return JSONProblem(line: before.reduce(1) { $0 + ($1 == 10 ? 1 : 0) }, reason: reason)
  }

  private mutating func skipSpace() {
    while position < bytes.count {
      switch bytes[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  /// Past `byte`, if it is what comes next.
  private mutating func skip(_ byte: UInt8) -> Bool {
    guard position < bytes.count, bytes[position] == byte else { return false }
    position += 1
    return true
  }

  private mutating func value() throws -> JSONValue {
    skipSpace()
    guard position < bytes.count else { throw problem("the text ends where a value should be") }
    valueCount += 1
    guard valueCount <= mostValues else { throw problem("more than \(mostValues) values") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return .object(try nested { try $0.object() })
    case UInt8(ascii: "["): return .array(try nested { try $0.array() })
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default:
      let start = position
      let value = try number()
      let spelling = bytes[start..<position]
      if keepsIntegers, spelling.allSatisfy({ (48...57).contains($0) || $0 == 45 }),
        let whole = Int(String(decoding: spelling, as: UTF8.self))
      {
        return .integer(whole)
      }
      return .number(value)
    }
  }

  private mutating func nested<Result>(
    _ body: (inout JSONParser) throws -> Result
  ) throws -> Result {
    guard depth < deepest else { throw problem("values nested too deeply") }
    depth += 1
    defer { depth -= 1 }
    position += 1
    return try body(&self)
  }

  private mutating func word(_ spelling: StaticString, _ value: JSONValue) throws -> JSONValue {
    let expected = "\(spelling)".utf8
    guard bytes[position...].starts(with: expected) else { throw problem("not a JSON value") }
    position += expected.count
    return value
  }

  private mutating func object() throws -> [(key: String, value: JSONValue)] {
    var members: [(key: String, value: JSONValue)] = []
    skipSpace()
    if skip(UInt8(ascii: "}")) { return members }
    while true {
      skipSpace()
      guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
        throw problem("a member's name should be here")
      }
      let key = try string()
      skipSpace()
      guard skip(UInt8(ascii: ":")) else { throw problem("a colon should be here") }
      members.append((key, try value()))
      skipSpace()
      if skip(UInt8(ascii: "}")) { return members }
      guard skip(UInt8(ascii: ",")) else { throw problem("a comma or } should be here") }
    }
  }

  private mutating func array() throws -> [JSONValue] {
    var elements: [JSONValue] = []
    skipSpace()
    if skip(UInt8(ascii: "]")) { return elements }
    while true {
      elements.append(try value())
      skipSpace()
      if skip(UInt8(ascii: "]")) { return elements }
      guard skip(UInt8(ascii: ",")) else { throw problem("a comma or ] should be here") }
    }
  }

  private mutating func number() throws -> Double {
    let start = position
    var whole = 0
    while position < bytes.count, position - start < 15, (48...57).contains(bytes[position]) {
      whole = whole * 10 + Int(bytes[position] - 48)
      position += 1
    }
    let isPart: (UInt8) -> Bool = { (48...57).contains($0) || "+-.eE".utf8.contains($0) }
    if position > start, position == start + 1 || bytes[start] != UInt8(ascii: "0"),
      position == bytes.count || !isPart(bytes[position])
    {
      return Double(whole)
    }
    while position < bytes.count, isPart(bytes[position]) { position += 1 }
    let spelling = bytes[start..<position]
    guard Self.isNumber(spelling) else { throw problem("not a JSON value") }
    guard let result = Double(String(decoding: spelling, as: UTF8.self)) else {
      throw problem("not a JSON value")
    }
    return result
  }

  /// Neither `+1` nor `01` nor `1.` nor `.5` is one.
  private static func isNumber(_ spelling: ArraySlice<UInt8>) -> Bool {
    var rest = spelling
    func skipDigits() -> Int {
      let digits = rest.prefix { (48...57).contains($0) }
      rest = rest.dropFirst(digits.count)
      return digits.count
    }
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    let beginsWithZero = rest.first == UInt8(ascii: "0")
    let digits = skipDigits()
    guard digits > 0, digits == 1 || !beginsWithZero else { return false }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      guard skipDigits() > 0 else { return false }
    }
    if let letter = rest.first, letter | 0x20 == UInt8(ascii: "e") {
      rest = rest.dropFirst()
      if let sign = rest.first, "+-".utf8.contains(sign) { rest = rest.dropFirst() }
      guard skipDigits() > 0 else { return false }
    }
    return rest.isEmpty
  }

  private mutating func string() throws -> String {
    position += 1
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "\""),
      bytes[position] != UInt8(ascii: "\\"), bytes[position] >= 0x20
    {
      position += 1
    }
    guard position < bytes.count else { throw problem("a string without end") }
    if bytes[position] == UInt8(ascii: "\"") {
      defer { position += 1 }
      return try text(bytes[start..<position])
    }
    var content = Array(bytes[start..<position])
    while true {
      guard position < bytes.count else { throw problem("a string without end") }
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return try text(content[...])
      case UInt8(ascii: "\\"): content += String(Character(try escape())).utf8
      case ..<0x20: throw problem("a control character in a string")
      default: content.append(byte)
      }
    }
  }

  private func text(_ utf8: ArraySlice<UInt8>) throws -> String {
    guard let text = String(validating: utf8, as: UTF8.self) else {
      throw problem("a string that is not UTF-8")
    }
    return text
  }

  private mutating func escape() throws -> Unicode.Scalar {
    guard position < bytes.count else { throw problem("a string without end") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "u"):
      let unit = try hexadecimal()
      if let scalar = Unicode.Scalar(unit) { return scalar }
      // The first half of a pair of surrogates.
      guard unit < 0xDC00, skip(UInt8(ascii: "\\")), skip(UInt8(ascii: "u")),
        case let low = try hexadecimal(), (0xDC00...0xDFFF).contains(low)
      else { throw problem("half of a surrogate pair") }
      return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))!
    default: throw problem("an unknown escape in a string")
    }
  }

  private mutating func hexadecimal() throws -> UInt32 {
    guard position + 4 <= bytes.count,
      let value = UInt32(String(decoding: bytes[position..<position + 4], as: UTF8.self), radix: 16)
    else { throw problem("\\u without four hexadecimal digits") }
    position += 4
    return value
  }
}
