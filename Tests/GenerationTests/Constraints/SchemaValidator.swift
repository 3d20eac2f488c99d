import Foundation
import PrimerTokenizers

/// A validator of JSON Schema 2020-12, written for these tests from the specification: what texts of
/// a constraint are held against. Formats are not looked at.
struct SchemaValidator {
  let root: JSONValue

  enum Refusal: Error { case unknown(String) }

  func validates(_ value: JSONValue) throws -> Bool { try check(value, root) }

  private func check(_ value: JSONValue, _ schema: JSONValue) throws -> Bool {
    if let constant = schema.bool { return constant }
    guard let keywords = schema.members else { throw Refusal.unknown("schema") }
    for (key, argument) in keywords {
      if !(try check(value, key, argument, schema)) { return false }
    }
    return true
  }

  private func check(
    _ value: JSONValue, _ key: String, _ argument: JSONValue, _ schema: JSONValue
  ) throws -> Bool {
    switch key {
    case "type":
      let names = argument.array ?? [argument]
      return names.contains { Self.hasType(value, $0.string ?? "") }
    case "const": return Self.same(value, argument)
    case "enum": return argument.array!.contains { Self.same(value, $0) }
    case "allOf": return try argument.array!.allSatisfy { try check(value, $0) }
    case "anyOf": return try argument.array!.contains { try check(value, $0) }
    case "oneOf": return try argument.array!.filter { try check(value, $0) }.count == 1
    case "not": return try !check(value, argument)
    case "$ref": return try check(value, try resolve(argument.string!))
    case "if":
      let branch = try check(value, argument) ? "then" : "else"
      let chosen = schema.members!.first { $0.key == branch }?.value
      return try chosen.map { try check(value, $0) } ?? true
    default: break
    }
    switch value {
    case .number(let number): return Self.check(number, key, argument)
    case .string(let text): return try Self.check(text, key, argument)
    case .array(let elements): return try check(elements, key, argument, schema)
    case .object(let members): return try check(members, key, argument, schema)
    default: return true
    }
  }

  private static func hasType(_ value: JSONValue, _ name: String) -> Bool {
    switch (value, name) {
    case (.null, "null"), (.bool, "boolean"), (.number, "number"), (.string, "string"),
      (.array, "array"), (.object, "object"):
      true
    case (.number(let number), "integer"): number == number.rounded()
    default: false
    }
  }

  static func same(_ a: JSONValue, _ b: JSONValue) -> Bool {
    func sorted(_ members: [(key: String, value: JSONValue)]) -> [(key: String, value: JSONValue)] {
      members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }
    return a.compact(sorted).utf8.elementsEqual(b.compact(sorted).utf8)
  }

  private static func check(_ number: Double, _ key: String, _ argument: JSONValue) -> Bool {
    guard case .number(let bound) = argument else { return true }
    switch key {
    case "minimum": return number >= bound
    case "maximum": return number <= bound
    case "exclusiveMinimum": return number > bound
    case "exclusiveMaximum": return number < bound
    case "multipleOf":
      let ratio = number / bound
      return abs(ratio - ratio.rounded()) <= 1e-9 * max(1, abs(ratio))
    default: return true
    }
  }

  private static func check(_ text: String, _ key: String, _ argument: JSONValue) throws -> Bool {
    switch key {
    case "minLength": return text.unicodeScalars.count >= argument.integer!
    case "maxLength": return text.unicodeScalars.count <= argument.integer!
    case "pattern": return try matches(text, argument.string!)
    default: return true
    }
  }

  private static func matches(_ text: String, _ pattern: String) throws -> Bool {
    // ICU reads \d and \w more widely than ECMA 262, and $ before a last line end.
    let space =
      "\\x09-\\x0D\\x20\\xA0\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}"
      + "\\x{3000}\\x{FEFF}"
    let narrow = pattern.replacingOccurrences(of: "\\d", with: "[0-9]")
      .replacingOccurrences(of: "\\D", with: "[^0-9]")
      .replacingOccurrences(of: "\\w", with: "[A-Za-z0-9_]")
      .replacingOccurrences(of: "\\W", with: "[^A-Za-z0-9_]")
      .replacingOccurrences(of: "\\s", with: "[\(space)]")
      .replacingOccurrences(of: "\\S", with: "[^\(space)]")
      .replacingOccurrences(of: "$", with: "\\z").replacingOccurrences(of: "\\\\z", with: "\\$")
    let expression = try NSRegularExpression(pattern: narrow)
    let range = NSRange(text.startIndex..., in: text)
    return expression.firstMatch(in: text, range: range) != nil
  }

  private func check(
    _ elements: [JSONValue], _ key: String, _ argument: JSONValue, _ schema: JSONValue
  ) throws -> Bool {
    switch key {
    case "minItems": return elements.count >= argument.integer!
    case "maxItems": return elements.count <= argument.integer!
    case "prefixItems": return try zip(elements, argument.array!).allSatisfy { try check($0, $1) }
    case "items":
      if let list = argument.array {
        return try zip(elements, list).allSatisfy { try check($0, $1) }
      }
      let skipped = schema["prefixItems"]?.array?.count ?? 0
      return try elements.dropFirst(skipped).allSatisfy { try check($0, argument) }
    case "additionalItems":
      let skipped = schema["items"]?.array?.count ?? elements.count
      return try elements.dropFirst(skipped).allSatisfy { try check($0, argument) }
    case "contains":
      let least = schema["minContains"]?.integer ?? 1
      return try elements.filter { try check($0, argument) }.count >= least
    case "uniqueItems":
      guard argument.bool == true else { return true }
      return elements.indices.allSatisfy { index in
        !elements[..<index].contains { Self.same($0, elements[index]) }
      }
    default: return true
    }
  }

  private func check(
    _ members: [(key: String, value: JSONValue)], _ key: String, _ argument: JSONValue,
    _ schema: JSONValue
  ) throws -> Bool {
    let names = members.map(\.key)
    func declared(_ name: String) -> JSONValue? {
      schema["properties"]?.members?.first { $0.key.utf8.elementsEqual(name.utf8) }?.value
    }
    switch key {
    // Of a name given twice the last counts.
    case "minProperties": return Set(names).count >= argument.integer!
    case "maxProperties": return Set(names).count <= argument.integer!
    case "required": return argument.array!.allSatisfy { names.contains($0.string!) }
    case "properties":
      return try members.allSatisfy { name, value in
        try declared(name).map { try check(value, $0) } ?? true
      }
    case "patternProperties":
      return try members.allSatisfy { name, value in
        try argument.members!.allSatisfy { pattern, inner in
          try !Self.matches(name, pattern) || check(value, inner)
        }
      }
    case "additionalProperties":
      let patterns = schema["patternProperties"]?.members ?? []
      return try members.allSatisfy { name, value in
        if declared(name) != nil { return true }
        if try patterns.contains(where: { try Self.matches(name, $0.key) }) { return true }
        return try check(value, argument)
      }
    case "propertyNames": return try names.allSatisfy { try check(.string($0), argument) }
    default: return true
    }
  }

  private func resolve(_ reference: String) throws -> JSONValue {
    var text = reference
    if let base = root["$id"]?.string, text.hasPrefix(base) { text.removeFirst(base.count) }
    if text.isEmpty { return root }
    guard text.hasPrefix("#") else { throw Refusal.unknown(reference) }
    var value = root
    for part in text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    {
      let key = (String(part).removingPercentEncoding ?? String(part))
        .replacingOccurrences(of: "~1", with: "/").replacingOccurrences(of: "~0", with: "~")
      let next =
        value.array.flatMap { list in Int(key).map { list[$0] } }
        ?? value.members?.first { $0.key == key }?.value
      guard let next else { throw Refusal.unknown(reference) }
      value = next
    }
    return value
  }
}
