import Hummingbird
import HummingbirdCore
import PrimerTokenizers

/// The parameters of a request's query, as values of the shapes that a route has for them.
enum QueryParameters {
  /// An object of them. A list is its values in their order, under "name", "name[]" or "name[0]".
  /// - Throws: `APIError` 400 that names what is unknown, given twice or out of its bounds.
  static func read(_ uri: URI, as fields: [Field]) throws -> JSONValue {
    var members: [(key: String, value: JSONValue)] = []
    for (key, text) in uri.queryParameters {
      let name = key.split(separator: "[", maxSplits: 1).first.map(String.init) ?? ""
      if let field = fields.first(where: { $0.name == name }),
        case .list(let shape, _) = field.shape
      {
        let value = value(String(text), shape)
        let index = members.firstIndex { $0.key == name }
        let before = index.flatMap { members[$0].value.array } ?? []
        if let index { members.remove(at: index) }
        members.append((name, .array(before + [value])))
      } else {
        let field = fields.first { $0.name == key }
        members.append((String(key), value(String(text), field?.shape ?? .any)))
      }
    }
    let query = JSONValue.object(members)
    try Shape.object(fields).check(query)
    return query
  }

  private static func value(_ text: String, _ shape: Shape) -> JSONValue {
    switch shape {
    case .integer: Int(text).map { .integer($0) } ?? .string(text)
    case .boolean: text == "true" ? .bool(true) : text == "false" ? .bool(false) : .string(text)
    default: .string(text)
    }
  }
}

/// Tells who sends a known address a method that it does not take which ones it does.
struct MethodCheck: RouterMiddleware {
  let routes: [Route]

  func handle(
    _ request: Request, context: ServiceContext,
    next: @concurrent (Request, ServiceContext) async throws -> Response
  ) async throws -> Response {
    let here = routes.filter { $0.matches(request.uri.path) }
    guard here.isEmpty || here.contains(where: { $0.method == request.method }) else {
      throw APIError.wrongMethod(here.map(\.method))
    }
    return try await next(request, context)
  }
}
