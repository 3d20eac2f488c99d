import PrimerTokenizers

extension Shape {
  /// As JSON Schema (OpenAPI 3.1). Named shapes are references; `named` has what they refer to.
  var schema: JSONValue {
    switch self {
    case .any: .object([])
    case .boolean: Self.typed("boolean")
    case .string(let longest):
      Self.typed("string", longest.map { [("maxLength", .integer($0))] } ?? [])
    case .name(let longest):
      Self.typed("string", [("pattern", .string("^[a-zA-Z0-9_-]{1,\(longest)}$"))])
    case .choice(let choices): Self.typed("string", [("enum", .array(choices.map { .string($0) }))])
    case .integer(let range):
      Self.typed(
        "integer",
        [("format", .string("int64"))]
          + (range.lowerBound == .min ? [] : [("minimum", .integer(range.lowerBound))])
          + (range.upperBound == .max ? [] : [("maximum", .integer(range.upperBound))]))
    case .number(let range):
      Self.typed(
        "number",
        range.upperBound == .greatestFiniteMagnitude
          ? [] : [("minimum", .number(range.lowerBound)), ("maximum", .number(range.upperBound))])
    case .list(let shape, let count):
      Self.typed(
        "array",
        [("items", shape.schema)]
          + (count.lowerBound == 0 ? [] : [("minItems", .integer(count.lowerBound))])
          + (count.upperBound == Self.longestList ? [] : [("maxItems", .integer(count.upperBound))])
      )
    case .map(let shape, let longest):
      Self.typed(
        "object",
        [("additionalProperties", shape.schema), ("maxProperties", .integer(longest))])
    case .object(let fields): Self.object(fields)
    case .tagged(let tag, let forms):
      .object([
        (
          "oneOf",
          .array(
            forms.map { form in
              Self.object([Field(tag, .choice([form.name]), required: true)] + form.fields)
            })
        )
      ])
    case .either(let shapes): .object([("anyOf", .array(shapes.map(\.schema)))])
    case .nullable(let shape):
      .object([("anyOf", .array([shape.schema, Self.typed("null")]))])
    case .named(let name, _): .object([("$ref", .string("#/components/schemas/" + name))])
    }
  }

  /// The named shapes within this one, by name.
  var named: [String: Shape] {
    func all(_ shapes: [Shape]) -> [String: Shape] {
      shapes.reduce(into: [:]) { $0.merge($1.named) { first, _ in first } }
    }
    return switch self {
    case .any, .boolean, .string, .name, .choice, .integer, .number: [:]
    case .list(let shape, _), .map(let shape, _), .nullable(let shape): shape.named
    case .object(let fields): all(fields.map(\.shape))
    case .tagged(_, let forms): all(forms.flatMap { $0.fields.map(\.shape) })
    case .either(let shapes): all(shapes)
    case .named(let name, let shape): shape.named.merging([name: shape]) { first, _ in first }
    }
  }

  static func typed(
    _ type: String, _ rest: [(key: String, value: JSONValue)] = []
  ) -> JSONValue {
    .object([("type", .string(type))] + rest)
  }

  private static func object(_ fields: [Field]) -> JSONValue {
    let required = fields.filter(\.isRequired).map { JSONValue.string($0.name) }
    return typed(
      "object",
      [
        ("properties", .object(fields.map { ($0.name, $0.schema) })),
        ("additionalProperties", .bool(false)),
      ] + (required.isEmpty ? [] : [("required", .array(required))]))
  }
}

extension Field {
  /// What the field may be: null too, where it may be absent.
  var schema: JSONValue {
    switch effect {
    case .used, .ignored:
      let shape: Shape =
        switch self.shape {
        case .any, .nullable: self.shape
        default: isRequired ? self.shape : .nullable(self.shape)
        }
      return described(shape.schema)
    case .refused(_, let spellings):
      let allowed = spellings.compactMap { try? JSONValue(parsing: Array($0.utf8)) }
      return described(.object([("enum", .array(allowed + [.null]))]))
    }
  }

  /// What the field may be where it is given at all: in a query, which knows no null.
  var parameterSchema: JSONValue { shape.schema }

  /// The summary, and what becomes of a value.
  var description: String {
    switch effect {
    case .used: summary
    case .ignored(let reason):
      ["Accepted, without effect: \(reason)", summary].filter { !$0.isEmpty }
        .joined(separator: " ")
    case .refused(let reason, let spellings):
      spellings.isEmpty
        ? "Refused: \(reason)" : "Refused unless \(spellings.joined(separator: " or ")): \(reason)"
    }
  }

  private func described(_ schema: JSONValue) -> JSONValue {
    guard case .object(var members) = schema else { return schema }
    if !description.isEmpty { members.append(("description", .string(description))) }
    if let standard, let value = try? JSONValue(parsing: Array(standard.utf8), keepsIntegers: true)
    {
      members.append(("default", value))
    }
    return .object(members)
  }
}
