import HTTPTypes
import Hummingbird
import PrimerTokenizers

/// The OpenAPI document of routes.
enum OpenAPIDocument {
  static func describe(_ routes: [Route]) -> JSONValue {
    var paths: [(key: String, value: JSONValue)] = []
    for route in routes {
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
      (
        "info",
        .object([
          ("title", .string("Primer")), ("version", .string("1")),
          (
            "description",
            .string(
              "The API of a Primer service: what clients of the OpenAI API send and get, and a few "
                + "addresses more. An optional field may be null wherever it may be absent; "
                + "fields that are not described are refused. What the chat page calls under /api "
                + "is open to its own sessions alone, may change, and is not described here."
            )
          ),
        ])
      ),
      ("servers", .array([.object([("url", .string("/"))])])),
      ("paths", .object(paths)),
      ("components", components(routes)),
      ("security", .array([.object([("key", .array([]))])])),
    ])
  }

  // MARK: Operations

  private static func operation(_ route: Route) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("operationId", .string(identifier(route))), ("summary", .string(route.summary)),
    ]
    if case .scope(let scope) = route.access {
      members.append(("description", .string("Needs the scope '\(scope.rawValue)'.")))
    }
    let parameters = pathParameters(route) + route.query.compactMap(parameter)
    if !parameters.isEmpty { members.append(("parameters", .array(parameters))) }
    if let body = route.body {
      members.append(
        (
          "requestBody",
          .object([("required", .bool(true)), ("content", json(body.schema))])
        ))
    }
    members.append(("responses", responses(route)))
    if route.access == .open { members.append(("security", .array([]))) }
    return .object(members)
  }

  /// "post_v1_chat_completions".
  private static func identifier(_ route: Route) -> String {
    ([route.method.rawValue.lowercased()]
      + route.path.split { !$0.isLetter && !$0.isNumber }.map(String.init)).joined(separator: "_")
  }

  private static func pathParameters(_ route: Route) -> [JSONValue] {
    route.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { part in
      .object([
        ("name", .string(String(part.dropFirst().dropLast()))), ("in", .string("path")),
        ("required", .bool(true)), ("schema", Shape.string().schema),
      ])
    }
  }

  /// nil for what is always refused.
  private static func parameter(_ field: Field) -> JSONValue? {
    if case .refused(_, unless: []) = field.effect { return nil }
    return .object([
      ("name", .string(field.name)), ("in", .string("query")),
      ("required", .bool(field.isRequired)), ("description", .string(field.description)),
      ("schema", field.parameterSchema),
    ])
  }

  // MARK: Answers

  private static func responses(_ route: Route) -> JSONValue {
    var content: [(key: String, value: JSONValue)] = []
    if let shape = route.answer {
      content.append(("application/json", .object([("schema", shape.schema)])))
    }
    if let events = route.events {
      content.append(("text/event-stream", .object([("schema", schema(events))])))
    }
    for type in route.otherContent {
      content.append((type, .object([("schema", Shape.string().schema)])))
    }
    var responses: [(key: String, value: JSONValue)] = [
      ("200", .object([("description", .string("The answer.")), ("content", .object(content))]))
    ]
    for failure in route.failures {
      responses.append((String(failure.status), failed(failure)))
    }
    return .object(responses)
  }

  private static func failed(_ failure: Route.Failure) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [
      ("description", .string(failure.text)), ("content", json(failure.answer.schema)),
    ]
    func header(_ name: String, _ text: String, _ schema: JSONValue) {
      members.append(
        (
          "headers",
          .object([(name, .object([("description", .string(text)), ("schema", schema)]))])
        ))
    }
    switch failure.status {
    case 401: header("WWW-Authenticate", "How to say who you are.", Shape.string().schema)
    case 429, 503:
      header("Retry-After", "Seconds to wait.", Shape.integer(1 ... .max).schema)
    default: break
    }
    return .object(members)
  }

  private static func json(_ schema: JSONValue) -> JSONValue {
    .object([("application/json", .object([("schema", schema)]))])
  }

  /// Of each event of a stream, as OpenAPI 3.2 spells it: its data is JSON.
  private static func schema(_ events: EventStream) -> JSONValue {
    let data = JSONValue.object([
      ("type", .string("string")), ("contentMediaType", .string("application/json")),
      ("contentSchema", Shape.either([events.data, APIError.shape]).schema),
    ])
    let isDone = events.mark.map { JSONValue.object([("const", .string($0))]) }
    return Shape.typed(
      "object",
      [
        ("description", .string("Each event of the stream. An error in mid-stream is the last.")),
        (
          "properties",
          .object([
            ("event", Shape.string().schema),
            ("data", isDone.map { .object([("anyOf", .array([$0, data]))]) } ?? data),
          ])
        ), ("required", .array([.string("data")])),
      ])
  }

  // MARK: Components

  private static func components(_ routes: [Route]) -> JSONValue {
    var shapes = APIError.shape.named
    for route in routes {
      let all =
        [route.body, route.answer, route.events?.data].compactMap(\.self) + route.query.map(\.shape)
        + route.failures.map(\.answer)
      for shape in all { shapes.merge(shape.named) { first, _ in first } }
    }
    return .object([
      (
        "securitySchemes",
        .object([
          ("key", .object([("type", .string("http")), ("scheme", .string("bearer"))]))
        ])
      ),
      (
        "schemas",
        .object(shapes.sorted { $0.key < $1.key }.map { ($0.key, $0.value.schema) })
      ),
    ])
  }
}
