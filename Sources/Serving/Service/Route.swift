import HTTPTypes
import Hummingbird
import NIOCore
import PrimerTokenizers

/// One address of the service: what it takes, who may use it, and what it does.
struct Route: Sendable {
  /// Who may use a route.
  enum Access: Sendable, Equatable {
    /// Anybody.
    case open
    /// Whoever has this among the scopes of a key or session.
    case scope(Scope)
  }

  let method: HTTPRequest.Method
  /// "/v1/models/{model}".
  let path: String
  let summary: String
  let access: Access
  /// What a JSON body has to be; nil: the route takes none.
  var body: Shape?
  /// What the JSON of the answer is; nil: something else.
  var answer: Shape?
  /// Content types that an answer may have beside JSON.
  var otherContent: [String] = []
  /// Whether it stands in /openapi.json.
  var isDescribed = true
  let handler: @Sendable (Call) async throws -> Response

  init(
    _ method: HTTPRequest.Method, _ path: String, _ summary: String, access: Access,
    body: Shape? = nil, answer: Shape? = nil, otherContent: [String] = [],
    isDescribed: Bool = true, _ handler: @escaping @Sendable (Call) async throws -> Response
  ) {
    self.method = method
    self.path = path
    self.summary = summary
    self.access = access
    self.body = body
    self.answer = answer
    self.otherContent = otherContent
    self.isDescribed = isDescribed
    self.handler = handler
  }

  /// Statuses beside 200, and what they say.
  var failures: [(status: Int, text: String)] {
    var all: [(Int, String)] = [(400, "The request is malformed.")]
    if access != .open {
      all += [(401, "No valid key."), (403, "The key may not do this.")]
      all += [(429, "Too much at once; Retry-After says when to come back.")]
    }
    if path.contains("{") || body != nil { all.append((404, "There is no such thing.")) }
    if body != nil {
      all += [(408, "The body took too long."), (413, "The body is too large.")]
      all.append((415, "The body is not application/json."))
    }
    all += [(500, "The service failed."), (503, "The service is loading or stopping.")]
    return all
  }
}

/// One use of a route.
struct Call: Sendable {
  let request: Request
  let context: ServiceContext
  /// As the route's `body` describes; null where the route takes none.
  let body: JSONValue

  /// Who calls; routes that are open to anybody may have none.
  var caller: Caller { context.caller ?? Caller(user: "anonymous", scopes: []) }

  /// A part of the path: "model" of "/v1/models/{model}".
  func parameter(_ name: String) throws -> String {
    try context.parameters.require(name)
  }
}

extension Route {
  func add(to router: Router<ServiceContext>, limits: ServiceLimits) {
    router.on(RouterPath(path), method: method) { request, context in
      if case .scope(let scope) = access {
        guard let caller = context.caller else { throw APIError.unauthorized }
        guard caller.scopes.contains(scope) else {
          throw APIError.forbidden("This key has not the scope '\(scope.rawValue)'.")
        }
      }
      var json = JSONValue.null
      if let body {
        json = try await RequestBodyReader(limits).json(request)
        try body.check(json)
      }
      return try await handler(Call(request: request, context: context, body: json))
    }
  }
}

/// Reads bodies within the limits.
struct RequestBodyReader {
  private let limits: ServiceLimits

  init(_ limits: ServiceLimits) { self.limits = limits }

  func json(_ request: Request) async throws -> JSONValue {
    let type = request.headers[.contentType] ?? ""
    guard type.split(separator: ";").first?.lowercased() == "application/json" else {
      throw APIError(
        status: .unsupportedMediaType,
        message: "Send the body as JSON, with the header 'Content-Type: application/json'.",
        type: "invalid_request_error", code: "unsupported_media_type")
    }
    let bytes = try await bytes(request)
    do {
      return try JSONValue(parsing: bytes, keepsIntegers: true, deepest: limits.depth)
    } catch {
      throw APIError.invalid(nil, "The body is no JSON that this service reads: \(error)")
    }
  }

  /// The body, as long as it arrives in time.
  private func bytes(_ request: Request) async throws -> [UInt8] {
    if let announced = request.headers[.contentLength].flatMap(Int.init), announced > limits.body {
      throw APIError.bodyTooLarge
    }
    return try await withThrowingTaskGroup(of: [UInt8].self) { group in
      group.addTask {
        do {
          return Array(buffer: try await request.body.collect(upTo: limits.body))
        } catch is NIOTooManyBytesError {
          throw APIError.bodyTooLarge
        }
      }
      group.addTask {
        try await Task.sleep(for: limits.reading)
        throw APIError(
          status: .requestTimeout, message: "The body took too long to arrive.",
          type: "invalid_request_error", code: "timeout")
      }
      defer { group.cancelAll() }
      return try await group.next()!
    }
  }
}
