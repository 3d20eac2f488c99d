import HTTPTypes
package import Hummingbird
import HummingbirdCore

/// The product behind the page: conversations, answers, feedback, accounts, all under `/api`, and
/// the page itself.
package struct Product: Sendable {
  let store: Store
  let source: any AnswerSource
  let live: LiveAnswers
  /// nil: nothing is looked at.
  let moderator: Moderator?
  let attempts = SignInAttempts()
  /// Whether cookies are for TLS only: the service stands behind a proxy that speaks it.
  let secure: Bool
  let openID: OpenIDSignIn
  let limits: ServiceLimits

  package init(
    store: Store, source: any AnswerSource, live: LiveAnswers = LiveAnswers(),
    signIn: SignInSettings = SignInSettings(), moderator: Moderator? = nil,
    limits: ServiceLimits = ServiceLimits()
  ) {
    self.init(
      store: store, source: source, live: live, secure: signIn.isSecure,
      openID: OpenIDSignIn(signIn), moderator: moderator, limits: limits)
  }

  init(
    store: Store, source: any AnswerSource, live: LiveAnswers, secure: Bool = false,
    openID: OpenIDSignIn, moderator: Moderator? = nil, limits: ServiceLimits = ServiceLimits()
  ) {
    self.store = store
    self.source = source
    self.live = live
    self.moderator = moderator
    self.secure = secure
    self.openID = openID
    self.limits = limits
  }

  /// The path and query that sign the owner of this machine in, once.
  package func ownersLink() async throws -> String {
    "/sign-in?token=" + (try await store.makeLink(for: store.owner().id))
  }

  /// Adds all routes. Those of `/api` but `/api/sign-in` answer only who is signed in; the page's
  /// files and the sign-in are open.
  package func addRoutes<Context: RequestContext>(to router: Router<Context>) {
    addPage(to: router)
    addSignIn(to: router)
    addOpenID(to: router)
    let routes = ProductRoutes(product: self, router: router)
    addAccount(routes)
    addConversations(routes)
    addAnswers(routes)
    addFeedback(routes)
    addAdministration(routes)
  }

  /// The session of a request's cookie, or nil.
  package func session(of request: Request) async throws -> Session? {
    guard let token = SessionCookie.token(of: request) else { return nil }
    return try await store.session(token)
  }
}

/// Adds routes that know their caller: there is no other way to add one under `/api`.
struct ProductRoutes<Context: RequestContext> {
  let product: Product
  let router: Router<Context>

  typealias Handler = @Sendable (Request, Context, PageCaller) async throws -> Response

  func on(_ method: HTTPRequest.Method, _ path: RouterPath, _ handler: @escaping Handler) {
    router.on(path, method: method) { [product] request, context in
      do {
        let caller = try await product.caller(of: request)
        return try await handler(request, context, caller)
      } catch {
        return try Self.refusal(of: error).response
      }
    }
  }

  /// For administrators; to anybody else such an address does not exist.
  func onAdministered(
    _ method: HTTPRequest.Method, _ path: RouterPath,
    _ handler:
      @escaping @Sendable (Request, Context, PageCaller, AdministeredStore) async throws ->
      Response
  ) {
    on(method, path) { [product] request, context, caller in
      guard let store = product.store.administered(by: caller.user) else {
        throw Refusal(.notFound, "there is no such address")
      }
      return try await handler(request, context, caller, store)
    }
  }

  static func refusal(of error: any Error) throws -> Refusal {
    switch error {
    case let refusal as Refusal: refusal
    case let error as StoreError:
      switch error {
      case .notFound: Refusal(.notFound, error.description)
      case .taken: Refusal(.conflict, error.description)
      case .invalid: Refusal(.unprocessableContent, error.description)
      case .unusable, .missing: Refusal(.internalServerError, "the store cannot be used")
      }
    case let refusal as AnswerRefusal:
      switch refusal {
      case .crowded(let wait): Refusal(.tooManyRequests, "too many people are asking", wait: wait)
      case .unknownModel(let name): Refusal(.notFound, "there is no model \"\(name)\"")
      case .unfit(let why): Refusal(.unprocessableContent, why)
      case .noModel(let why): Refusal(.serviceUnavailable, why)
      case .ending: Refusal(.serviceUnavailable, "the service is ending", wait: 10)
      }
    default: throw error
    }
  }
}

extension Product {
  /// Who calls, if they may: signed in, and for changes, from this service's own page.
  func caller(of request: Request) async throws -> PageCaller {
    guard let token = SessionCookie.token(of: request),
      let session = try await store.session(token)
    else { throw Refusal(.unauthorized, "sign in first") }
    if request.method != .get && request.method != .head {
      try Self.requireOwnOrigin(of: request)
      guard request.headers[.csrfToken] == session.csrf else {
        throw Refusal(.forbidden, "the X-CSRF-Token of this session is missing")
      }
    }
    return PageCaller(session: session, token: token, store: store.owned(by: session.user.id))
  }

  /// A browser says where a request comes from; another site's page may change nothing here.
  static func requireOwnOrigin(of request: Request) throws {
    let site = request.headers[.fetchSite] ?? "same-origin"
    var isOwn = site == "same-origin" || site == "none"
    if let origin = request.headers[.origin], let authority = request.head.authority {
      isOwn = isOwn && (origin == "http://" + authority || origin == "https://" + authority)
    }
    guard isOwn else { throw Refusal(.forbidden, "another site's page sent this") }
  }
}
