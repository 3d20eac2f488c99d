import HTTPTypes
import Hummingbird
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

  /// A status beside 200.
  struct Failure: Sendable {
    let status: Int
    let text: String
    var answer = APIError.shape
  }

  let method: HTTPRequest.Method
  /// "/v1/models/{model}".
  let path: String
  let summary: String
  let access: Access
  /// The parameters of its query.
  var query: [Field] = []
  /// What a JSON body has to be; nil: the route takes none.
  var body: Shape?
  /// What the JSON of the answer is; nil: something else.
  var answer: Shape?
  /// What an answer in pieces consists of; nil: it never comes so.
  var events: EventStream?
  /// Content types that an answer may have beside JSON and events.
  var otherContent: [String] = []
  /// What its 503 says; nil: an error as every other.
  var unavailable: Shape?
  let handler: @Sendable (Call) async throws -> Response

  init(
    _ method: HTTPRequest.Method, _ path: String, _ summary: String, access: Access,
    query: [Field] = [], body: Shape? = nil, answer: Shape? = nil, events: EventStream? = nil,
    otherContent: [String] = [], unavailable: Shape? = nil,
    _ handler: @escaping @Sendable (Call) async throws -> Response
  ) {
    self.method = method
    self.path = path
    self.summary = summary
    self.access = access
    self.query = query
    self.body = body
    self.answer = answer
    self.events = events
    self.otherContent = otherContent
    self.unavailable = unavailable
    self.handler = handler
  }

  var failures: [Failure] {
    var all: [Failure] = []
    if access != .open {
      all.append(Failure(status: 400, text: "The request is malformed."))
      all.append(Failure(status: 401, text: "No valid key."))
      all.append(Failure(status: 403, text: "The key may not do this."))
    }
    if path.contains("{") || body != nil {
      all.append(Failure(status: 404, text: "There is no such thing."))
    }
    if body != nil {
      all.append(Failure(status: 408, text: "The body took too long to arrive."))
      all.append(Failure(status: 413, text: "The body is too large."))
      all.append(Failure(status: 415, text: "The body is not application/json."))
    }
    all.append(Failure(status: 421, text: "The service is not called by this name."))
    if body != nil {
      all.append(
        Failure(status: 429, text: "Too much at once; Retry-After says when to come back."))
    }
    all.append(Failure(status: 500, text: "The service failed."))
    let loading = unavailable.map { Shape.either([$0, APIError.shape]) } ?? APIError.shape
    all.append(
      Failure(status: 503, text: "The service is loading or stopping.", answer: loading))
    if body != nil { all.append(Failure(status: 507, text: "The disk of the service is full.")) }
    return all
  }

  /// Whether `path` is one of this route's.
  func matches(_ path: some StringProtocol) -> Bool {
    let own = self.path.split(separator: "/", omittingEmptySubsequences: false)
    let given = path.split(separator: "/", omittingEmptySubsequences: false)
    return own.count == given.count && zip(own, given).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
  }
}

/// One use of a route.
struct Call: Sendable {
  let request: Request
  let context: ServiceContext
  /// As the route's `query` describes.
  let query: JSONValue
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
      // Whoever asks how the service does may add what he likes; nothing depends on it.
      let query =
        access == .open
        ? JSONValue.object([]) : try QueryParameters.read(request.uri, as: self.query)
      var json = JSONValue.null
      if let body {
        json = try await RequestBodyReader(limits).json(request)
        try body.check(json)
      }
      return try await handler(Call(request: request, context: context, query: query, body: json))
    }
  }
}
