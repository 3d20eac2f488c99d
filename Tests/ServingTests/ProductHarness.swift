import Foundation
import HTTPTypes
import PrimerGeneration
import Synchronization
import TestSupport

@testable import PrimerServing

/// The whole router of a service over a store of its own, without a network.
struct ProductHarness: Sendable {
  let folder: TemporaryFolder
  let store: Store
  let product: Product
  let source = HeldAnswers()
  let client: RouterClient
  private let parts: ServiceParts

  init(
    openID: OpenIDSignIn? = nil, signIn: SignInSettings = SignInSettings(),
    moderator: Moderator? = nil, limits: ServiceLimits = ServiceLimits()
  ) async throws {
    folder = try TemporaryFolder()
    store = try Store(folder: folder.url)
    let live = LiveAnswers(saveEvery: .milliseconds(20), keepAfter: .milliseconds(10))
    product =
      if let openID {
        Product(
          store: store, source: source, live: live, openID: openID, moderator: moderator,
          limits: limits)
      } else {
        Product(
          store: store, source: source, live: live, signIn: signIn, moderator: moderator,
          limits: limits)
      }
    parts = ServiceParts(
      configuration: ServiceConfiguration(data: folder.url), models: .empty,
      keys: try FileKeyStore(folder: folder.url),
      responses: try FileResponseStore(folder: folder.url), meters: ServiceMeters(),
      product: product)
    client = RouterClient(parts)
  }

  typealias Answer = RouterClient.Answer

  func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil,
    headers: HTTPFields = [:]
  ) async throws -> Answer {
    try await client.send(method, path, body, headers: headers)
  }

  func makeKey(scopes: Set<Scope>) async throws -> String {
    try await parts.keys.make(name: "test", user: "owner", scopes: scopes).secret
  }

  /// A new user with a session.
  func signIn(_ name: String, role: User.Role = .user) async throws -> Browser {
    let user = try await store.createUser(name: name, role: role, password: nil)
    let token = try await store.beginSession(for: user.id)
    return Browser(
      harness: self, user: user, token: token, csrf: try await store.session(token)!.csrf)
  }
}

/// A signed-in browser.
struct Browser {
  let harness: ProductHarness
  let user: User
  let token: String
  let csrf: String

  var cookie: String { "primer-session-8080=\(token)" }

  func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil
  ) async throws -> ProductHarness.Answer {
    try await harness.send(
      method, path, body, headers: [.cookie: cookie, .csrfToken: csrf])
  }

  /// The id of a new conversation.
  func converse() async throws -> String {
    try await send(.post, "/api/conversations", "{}")["id"] as! String
  }

  /// The ids of a question and of the answers begun.
  func ask(_ text: String, in conversation: String, answers: Int = 1) async throws -> (
    question: String, answers: [String]
  ) {
    let asked = try await send(
      .post, "/api/conversations/\(conversation)/messages",
      "{\"content\": \"\(text)\", \"answers\": \(answers)}")
    let question = asked["question"] as! [String: Any]
    let begun = asked["answers"] as! [[String: Any]]
    return (question["id"] as! String, begun.map { $0["id"] as! String })
  }
}

/// A source whose answers the test writes itself.
final class HeldAnswers: AnswerSource {
  typealias Continuation = AsyncThrowingStream<AnswerEvent, any Error>.Continuation
  private let state = Mutex<
    (requests: [AnswerRequest], open: [Continuation], refusal: AnswerRefusal?)
  >(
    ([], [], nil))

  var requests: [AnswerRequest] { state.withLock { $0.requests } }
  func refuse(_ refusal: AnswerRefusal?) { state.withLock { $0.refusal = refusal } }

  /// Writes into the answer begun as the `index`th.
  func tell(_ events: [AnswerEvent], to index: Int = 0) {
    let continuation = state.withLock { $0.open[index] }
    for event in events { continuation.yield(event) }
    if case .finished = events.last { continuation.finish() }
  }

  /// Ends all answers that are open.
  func finish() {
    let open = state.withLock { state in
      defer { state.open = [] }
      return state.open
    }
    for continuation in open {
      continuation.yield(.finished(.done, promptTokens: 1, tokens: 1))
      continuation.finish()
    }
  }

  func models() async -> [AnswerModel] {
    [AnswerModel(name: "held", version: "1a2b", context: 100)]
  }

  func completed(_ choice: SamplingChoice) -> SamplingChoice {
    var whole = choice
    whole.temperature = choice.temperature ?? 0.7
    return whole
  }

  func load() async -> AnswerLoad {
    AnswerLoad(running: 0, waiting: 0, tokensPerSecond: 0, wait: 0)
  }

  func answer(_ request: AnswerRequest) async throws -> AsyncThrowingStream<
    AnswerEvent, any Error
  > {
    if let refusal = state.withLock({ $0.refusal }) { throw refusal }
    let (stream, continuation) = AsyncThrowingStream<AnswerEvent, any Error>.makeStream()
    state.withLock {
      $0.requests.append(request)
      $0.open.append(continuation)
    }
    return stream
  }
}
