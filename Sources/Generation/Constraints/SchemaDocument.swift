internal import PrimerTokenizers

/// The schemas of a document by their places, and where references lead.
struct SchemaDocument {
  struct Node {
    /// JSON pointer (RFC 6901).
    let pointer: String
    let value: JSONValue
  }

  private(set) var nodes: [Node] = []
  /// By the pointer's bytes: names that only look the same are two.
  private var numbers: [[UInt8]: Int] = [:]
  /// Before 2019-09 nothing beside `$ref` counted.
  let ignoresReferenceSiblings: Bool
  /// Whether `items` may be a list.
  let hasItemLists: Bool
  private let identifier: String?

  /// The root is node 0.
  init(_ root: JSONValue) throws {
    var dialect = ""
    if let named = root["$schema"] {
      guard let text = named.string else {
        throw ConstraintError.badSchema(pointer: "/$schema", reason: "not a string")
      }
      dialect = text.hasSuffix("#") ? String(text.dropLast()) : text
    }
    let old = ["http://json-schema.org/draft-07/schema", "http://json-schema.org/draft-06/schema"]
    let recent = [
      "", "https://json-schema.org/draft/2020-12/schema",
      "https://json-schema.org/draft/2019-09/schema",
    ]
    guard (old + recent).contains(dialect) else {
      throw ConstraintError.unsupported(
        keyword: "$schema", pointer: "/$schema",
        reason: "only 2020-12, 2019-09, draft-07 and draft-06 are known")
    }
    ignoresReferenceSiblings = old.contains(dialect)
    hasItemLists = !dialect.contains("2020-12")
    identifier = root["$id"]?.string
    _ = node("", root)
  }

  mutating func node(_ pointer: String, _ value: JSONValue) -> Int {
    let key = Array(pointer.utf8)
    if let number = numbers[key] { return number }
    numbers[key] = nodes.count
    nodes.append(Node(pointer: pointer, value: value))
    return nodes.count - 1
  }

  static func step(_ pointer: String, _ key: String) -> String {
    var escaped = ""
    for scalar in key.unicodeScalars {
      switch scalar {
      case "~": escaped += "~0"
      case "/": escaped += "~1"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return pointer + "/" + escaped
  }

  /// The schema that a `$ref` at `pointer` leads to.
  mutating func target(of reference: String, at pointer: String) throws -> Int {
    var fragment = Substring(reference)
    if let identifier, !identifier.isEmpty, reference.hasPrefix(identifier) {
      fragment = fragment.dropFirst(identifier.count)
    }
    func refuse(_ reason: String) -> ConstraintError {
      .unsupported(keyword: "$ref", pointer: pointer, reason: reason)
    }
    guard fragment.hasPrefix("#") || (fragment.isEmpty && !reference.isEmpty) else {
      throw refuse("\"\(reference)\" is outside the schema")
    }
    guard let path = Self.percentDecoded(fragment.dropFirst()) else {
      throw ConstraintError.badSchema(pointer: pointer, reason: "\"\(reference)\" is no reference")
    }
    guard path.isEmpty || path.hasPrefix("/") else { throw refuse("anchors are not followed") }
    var value = nodes[0].value
    var place = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
      if !place.isEmpty, value["$id"]?.string != nil {
        throw refuse("\(place) has an $id of its own")
      }
      let key = Self.unescaped(String(part))
      guard let next = Self.child(value, key) else {
        throw ConstraintError.badSchema(
          pointer: pointer, reason: "\"\(reference)\" leads nowhere")
      }
      value = next
      place = Self.step(place, key)
    }
    return node(place, value)
  }

  private static func child(_ value: JSONValue, _ key: String) -> JSONValue? {
    if let elements = value.array {
      guard let index = Int(key), elements.indices.contains(index) else { return nil }
      return elements[index]
    }
    return value.members?.first { $0.key.utf8.elementsEqual(key.utf8) }?.value
  }

  private static func unescaped(_ part: String) -> String {
    var result = ""
    var isEscape = false
    for scalar in part.unicodeScalars {
      if isEscape {
        result += scalar == "1" ? "/" : scalar == "0" ? "~" : "~\(scalar)"
        isEscape = false
      } else if scalar == "~" {
        isEscape = true
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result + (isEscape ? "~" : "")
  }

  private static func percentDecoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2,
        let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
      else { return nil }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
