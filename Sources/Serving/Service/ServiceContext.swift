import Hummingbird
import NIOCore

/// What a request carries on its way through the service.
struct ServiceContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  /// Who sent it, once that is known.
  var caller: Caller?
  /// Its connection; closed, the client has gone.
  let channel: any Channel
  /// What counts it among what is under way, for as long as anything refers to it.
  var places: [any Sendable & AnyObject] = []

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }
}

/// Somebody who may use the service.
struct Caller: Sendable, Equatable {
  /// Whose things are whose; queues are fair between users.
  var user: String
  var scopes: Set<Scope>
  /// Limits of its own; nil: the service's.
  var concurrency: Int?
  var requestsPerMinute: Int?
  /// What `requestsPerMinute` counts by.
  var key: String?
}

/// What a key or session may do.
enum Scope: String, Sendable, CaseIterable, Codable {
  /// Ask models, and see which there are.
  case inference
  /// Read /metrics.
  case metrics
  /// Make and revoke keys.
  case administration = "admin"
}

/// Tells who sends a request: by a key, or by a session of the page.
protocol CallerSource: Sendable {
  /// nil where the request carries no credential of this kind, or none that is valid.
  func caller(of request: Request) async throws -> Caller?
}
