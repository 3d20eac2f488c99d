import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging

/// Signing in by the word of providers.
package struct OpenIDSignIn: Sendable {
  let address: String?
  let clients: [OpenIDClient]
  let pending: PendingSignIns

  package init(_ settings: SignInSettings) {
    self.init(address: settings.address, clients: settings.providers.map { OpenIDClient($0) })
  }

  init(
    address: String?, clients: [OpenIDClient], pending: PendingSignIns = PendingSignIns()
  ) {
    self.address = address
    self.clients = clients
    self.pending = pending
  }

  /// Method and path of what is open to anybody.
  var open: [String] {
    clients.flatMap { ["GET /sign-in/\($0.provider.id)", "GET /sign-in/\($0.provider.id)/answer"] }
  }

  /// Where the provider sends the browser back to: always this service, whatever a request says.
  func redirect(_ provider: OpenIDProvider, _ request: Request) throws -> String {
    guard let base = address ?? request.head.authority.map({ "http://" + $0 }) else {
      throw OpenIDError.state
    }
    return "\(base)/sign-in/\(provider.id)/answer"
  }
}

/// Ties a sign-in to the browser that began it.
enum SignInCookie {
  static func name(_ request: Request) -> String { SessionCookie.name(request) + "-begun" }

  static func field(_ token: String, seconds: Int, secure: Bool, _ request: Request) -> String {
    // Lax, for the answer comes by way of the provider's site.
    "\(name(request))=\(token); Path=/sign-in; Max-Age=\(seconds); HttpOnly; SameSite=Lax"
      + (secure ? "; Secure" : "")
  }
}

extension Product {
  private struct Providers: Encodable {
    struct One: Encodable { var id, name: String }
    var providers: [One]
  }

  func addOpenID(to router: Router<some RequestContext>) {
    router.get("api/sign-in") { [openID] _, _ in
      Response.json(
        Providers(
          providers: openID.clients.map { .init(id: $0.provider.id, name: $0.provider.name) }))
    }
    for client in openID.clients {
      let path = "sign-in/\(client.provider.id)"
      router.get(RouterPath(path)) { request, context in
        await refusing(request, context) { try await begin(client, request) }
      }
      router.get(RouterPath(path + "/answer")) { request, context in
        await refusing(request, context) { try await end(client, request) }
      }
    }
  }

  private func begin(_ client: OpenIDClient, _ request: Request) async throws -> Response {
    try Self.requireOwnOrigin(of: request)
    let browser = randomHexadecimal(bytes: 32)
    let (state, signIn) = await openID.pending.begin(
      provider: client.provider.id, browser: browser,
      redirect: try openID.redirect(client.provider, request))
    let address = try await client.authorization(
      redirect: signIn.redirect, state: state, nonce: signIn.nonce, challenge: signIn.challenge)
    var response = Self.going(to: address)
    response.headers[.setCookie] = SignInCookie.field(
      browser, seconds: Int(PendingSignIns.seconds), secure: secure, request)
    return response
  }

  private func end(_ client: OpenIDClient, _ request: Request) async throws -> Response {
    let query = request.uri.queryParameters
    guard let state = query["state"],
      let browser = SessionCookie.value(SignInCookie.name(request), of: request)
    else { throw OpenIDError.state }
    let signIn = try await openID.pending.end(
      state: String(state), provider: client.provider.id, browser: browser)
    // RFC 9207: an answer of another provider than the one asked.
    if let issuer = query["iss"], issuer != client.provider.issuer { throw OpenIDError.state }
    guard query["error"] == nil, let code = query["code"] else { throw OpenIDError.declined }
    let identity = try await client.identity(
      code: String(code), verifier: signIn.verifier, nonce: signIn.nonce,
      redirect: signIn.redirect)
    guard let user = try await store.user(of: identity) else { throw OpenIDError.disabled }
    var response = try await signedIn(user.id, request, Self.going(to: "/"), to: "/")
    response.headers[values: .setCookie].append(
      SignInCookie.field("", seconds: 0, secure: secure, request))
    return response
  }

  private static func going(to address: String) -> Response {
    Response(
      status: .seeOther,
      headers: [
        .location: address, .cacheControl: "no-store",
        HTTPField.Name("Referrer-Policy")!: "no-referrer",
      ])
  }

  /// Whatever goes wrong is told to the log, and to the browser only that it did.
  private func refusing(
    _ request: Request, _ context: some RequestContext, _ work: () async throws -> Response
  ) async -> Response {
    do {
      return try await work()
    } catch {
      context.logger.warning(
        "sign-in refused",
        metadata: ["why": "\((error as? Refusal)?.message ?? "\(error)")"])
      var response = Self.going(to: "/?sign-in=refused")
      response.headers[.setCookie] = SignInCookie.field("", seconds: 0, secure: secure, request)
      return response
    }
  }
}
