internal import PrimerTokenizers

/// The schema of just the values that another one does not allow, in JSON Schema's own words and two more
/// for strings. What cannot be turned round exactly fails.
enum SchemaNegation {
  struct Failure: Error {
    let reason: String
  }

  /// A string of which no part matches the pattern.
  static let exceptPattern = "not:pattern"
  /// A string that is none of these.
  static let exceptTexts = "not:enum"

  private static let types = ["null", "boolean", "number", "string", "array", "object"]
  private static let annotations: Set<String> = [
    "title", "description", "default", "examples", "$comment", "deprecated",
  ]

  static func of(_ schema: JSONValue) throws -> JSONValue {
    if let constant = schema.bool { return .bool(!constant) }
    guard let members = schema.members else { throw Failure(reason: "it is no schema") }
    // Not all of them is one of them not.
    let broken = try members.filter { !annotations.contains($0.key) }
      .flatMap { try options($0.key, $0.value) }
    return broken.isEmpty ? .bool(false) : .object([("anyOf", .array(broken))])
  }

  private static func only(_ type: String, _ more: [(key: String, value: JSONValue)]) -> JSONValue {
    .object([("type", .string(type))] + more)
  }

  /// Schemas one of which holds just where the keyword's assertion does not.
  private static func options(_ key: String, _ value: JSONValue) throws -> [JSONValue] {
    switch key {
    case "type": return try otherTypes(value)
    case "const": return try otherValues([value])
    case "enum": return try otherValues(value.array ?? [])
    case "not": return [value]
    case "allOf": return try (value.array ?? []).map(of)
    case "anyOf": return [.object([("allOf", .array(try (value.array ?? []).map(of)))])]
    case "required":
      return (value.array ?? []).compactMap(\.string).map { name in
        only("object", [("properties", .object([(name, .bool(false))]))])
      }
    case "properties":
      return try (value.members ?? []).map { name, schema in
        only(
          "object",
          [
            ("required", .array([.string(name)])),
            ("properties", .object([(name, try of(schema))])),
          ])
      }
    case "minimum": return [only("number", [("exclusiveMaximum", value)])]
    case "exclusiveMinimum": return [only("number", [("maximum", value)])]
    case "maximum": return [only("number", [("exclusiveMinimum", value)])]
    case "exclusiveMaximum": return [only("number", [("minimum", value)])]
    case "pattern": return [only("string", [(exceptPattern, value)])]
    case "minLength": return below(value, "string", "maxLength")
    case "maxLength": return above(value, "string", "minLength")
    case "minItems": return below(value, "array", "maxItems")
    case "maxItems": return above(value, "array", "minItems")
    case "minProperties": return below(value, "object", "maxProperties")
    case "maxProperties": return above(value, "object", "minProperties")
    default: throw Failure(reason: "\"\(key)\" within it cannot be turned round")
    }
  }

  private static func below(_ value: JSONValue, _ type: String, _ key: String) -> [JSONValue] {
    guard let count = value.integer, count > 0 else { return [] }
    return [only(type, [(key, .number(Double(count - 1)))])]
  }

  private static func above(_ value: JSONValue, _ type: String, _ key: String) -> [JSONValue] {
    value.integer.map { [only(type, [(key, .number(Double($0 + 1)))])] } ?? []
  }

  private static func otherTypes(_ value: JSONValue) throws -> [JSONValue] {
    let named = value.array?.compactMap(\.string) ?? [value.string].compactMap(\.self)
    guard !named.contains("integer") || named.contains("number") else {
      throw Failure(reason: "\"integer\" within it cannot be turned round")
    }
    return among(types.filter { !named.contains($0) })
  }

  private static func among(_ names: [String]) -> [JSONValue] {
    names.isEmpty ? [] : [.object([("type", .array(names.map { .string($0) }))])]
  }

  private static func otherValues(_ values: [JSONValue]) throws -> [JSONValue] {
    var named: Set<String> = []
    var texts: [String] = []
    var numbers: [Double] = []
    var truths: Set<Bool> = []
    for value in values {
      switch value {
      case .null: named.insert("null")
      case .bool(let truth):
        named.insert("boolean")
        truths.insert(truth)
      case .number(let number):
        named.insert("number")
        numbers.append(number)
      case .integer(let number):
        named.insert("number")
        numbers.append(Double(number))
      case .string(let text):
        named.insert("string")
        texts.append(text)
      case .array, .object:
        throw Failure(reason: "lists and objects among its values cannot be turned round")
      }
    }
    var options = among(types.filter { !named.contains($0) })
    if !texts.isEmpty {
      options.append(only("string", [(exceptTexts, .array(texts.map { .string($0) }))]))
    }
    if truths.count == 1 { options.append(.object([("const", .bool(!truths.first!))])) }
    // Between two numbers next to each other, and outside all.
    let ends = Set(numbers).sorted()
    for (lower, upper) in zip([nil] + ends.map(Optional.some), ends.map(Optional.some) + [nil])
    where !ends.isEmpty {
      var bounds: [(key: String, value: JSONValue)] = []
      if let lower { bounds.append(("exclusiveMinimum", .number(lower))) }
      if let upper { bounds.append(("exclusiveMaximum", .number(upper))) }
      options.append(only("number", bounds))
    }
    return options
  }
}
