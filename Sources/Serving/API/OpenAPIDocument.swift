import HTTPTypes
import PrimerTokenizers

extension Shape {
  /// As JSON Schema (OpenAPI 3.1).
  var schema: JSONValue {
    switch self {
    case .any: .object([])
    case .boolean: Self.typed("boolean")
    case .string(let longest):
      Self.typed("string", longest.map { [("maxLength", .integer($0))] } ?? [])
    case .choice(let choices): Self.typed("string", [("enum", .array(choices.map { .string($0) }))])
    case .integer(let range): Self.typed("integer", Self.bounds(range))
    case .number(let range):
      Self.typed(
        "number",
        range.upperBound == .greatestFiniteMagnitude
          ? [] : [("minimum", .number(range.lowerBound)), ("maximum", .number(range.upperBound))])
    case .list(let shape, let count):
      Self.typed(
        "array",
        [
          ("items", shape.schema), ("minItems", .integer(count.lowerBound)),
          ("maxItems", .integer(count.upperBound)),
        ])
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
    }
  }

  private static func typed(
    _ type: String, _ rest: [(key: String, value: JSONValue)] = []
  ) -> JSONValue {
    .object([("type", .string(type))] + rest)
  }

  private static func bounds(_ range: ClosedRange<Int>) -> [(key: String, value: JSONValue)] {
    (range.lowerBound == .min ? [] : [("minimum", .integer(range.lowerBound))])
      + (range.upperBound == .max ? [] : [("maximum", .integer(range.upperBound))])
  }

  private static func object(_ fields: [Field]) -> JSONValue {
    let required = fields.filter(\.isRequired).map { JSONValue.string($0.name) }
    return typed(
      "object",
      [
        (
          "properties",
          .object(fields.compactMap { field in field.schema.map { (field.name, $0) } })
        ),
        ("additionalProperties", .bool(false)),
      ] + (required.isEmpty ? [] : [("required", .array(required))]))
  }
}

extension Field {
  /// nil where no value but null is accepted.
  fileprivate var schema: JSONValue? {
    var shape = isRequired ? self.shape : .nullable(self.shape)
    var text = summary
    switch effect {
    case .used: break
    case .ignored(let reason): text = "Accepted, without effect: \(reason) \(summary)"
    case .refused(let reason, let spellings):
      guard !spellings.isEmpty else { return nil }
      text = "Only \(spellings.joined(separator: ", ")): \(reason) \(summary)"
      return .object([
        ("description", .string(text)),
        (
          "enum",
          .array(spellings.compactMap { try? JSONValue(parsing: Array($0.utf8)) } + [.null])
        ),
      ])
    }
    if case .nullable(.any) = shape { shape = .any }
    guard case .object(var members) = shape.schema else { return nil }
    if !text.isEmpty { members.append(("description", .string(text))) }
    if let standard, let value = try? JSONValue(parsing: Array(standard.utf8), keepsIntegers: true)
    {
      members.append(("default", value))
    }
    return .object(members)
  }
}

/// The OpenAPI document of routes.
enum OpenAPIDocument {
  static func describe(_ routes: [Route]) -> JSONValue {
    var paths: [(key: String, value: JSONValue)] = []
    for route in routes where route.isDescribed {
      let operation = (route.method.rawValue.lowercased(), Self.operation(route))
      if let index = paths.firstIndex(where: { $0.key == route.path }) {
        guard case .object(let others) = paths[index].value else { continue }
        paths[index].value = .object(others + [operation])
      } else {
        paths.append((route.path, .object([operation])))
      }
    }
    return .object([
      ("openapi", .string("3.1.0")),
      ("info", .object([("title", .string("Primer")), ("version", .string("1"))])),
      ("paths", .object(paths)),
      ("components", components),
      ("security", .array([.object([("key", .array([]))])])),
    ])
  }

  private static func operation(_ route: Route) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [("summary", .string(route.summary))]
    let names = route.path.split(separator: "/").filter { $0.hasPrefix("{") }
      .map { String($0.dropFirst().dropLast()) }
    if !names.isEmpty {
      members.append(
        (
          "parameters",
          .array(
            names.map {
              .object([
                ("name", .string($0)), ("in", .string("path")), ("required", .bool(true)),
                ("schema", Shape.string().schema),
              ])
            })
        ))
    }
    if let body = route.body {
      members.append(
        (
          "requestBody",
          .object([("required", .bool(true)), ("content", content(body.schema))])
        ))
    }
    members.append(("responses", responses(route)))
    if route.access == .open { members.append(("security", .array([]))) }
    return .object(members)
  }

  private static func content(_ schema: JSONValue) -> JSONValue {
    .object([("application/json", .object([("schema", schema)]))])
  }

  private static func responses(_ route: Route) -> JSONValue {
    var answer: [(key: String, value: JSONValue)] = []
    if let shape = route.answer {
      answer.append(("application/json", .object([("schema", shape.schema)])))
    }
    for type in route.otherContent {
      answer.append((type, .object([("schema", Shape.string().schema)])))
    }
    var responses: [(key: String, value: JSONValue)] = [
      (
        "200",
        .object(
          [("description", .string("The answer."))]
            + (answer.isEmpty ? [] : [("content", .object(answer))]))
      )
    ]
    for (status, text) in route.failures {
      responses.append(
        (
          String(status),
          .object([
            ("description", .string(text)),
            ("content", content(.object([("$ref", .string("#/components/schemas/Error"))]))),
          ])
        ))
    }
    return .object(responses)
  }

  private static var components: JSONValue {
    let error = Shape.object([
      Field(
        "error",
        .object([
          Field("message", .string(), required: true),
          Field("type", .string(), required: true),
          Field("param", .nullable(.string()), required: true),
          Field("code", .nullable(.string()), required: true),
        ]), required: true)
    ])
    return .object([
      (
        "securitySchemes",
        .object([
          ("key", .object([("type", .string("http")), ("scheme", .string("bearer"))]))
        ])
      ),
      ("schemas", .object([("Error", error.schema)])),
    ])
  }
}
