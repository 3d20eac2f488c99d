import Foundation

/// Whom a provider vouches for.
struct OpenIDIdentity: Sendable, Equatable {
  var issuer: String
  var subject: String
  /// What the account may be called.
  var name: String
  var isAdministrator: Bool
}

/// This service as a client of one provider: the code flow with PKCE (OpenID Connect Core 1.0,
/// section 3.1; RFC 7636).
actor OpenIDClient {
  nonisolated let provider: OpenIDProvider
  private let transport: any OpenIDTransport
  private let now: @Sendable () -> Double
  private var known: (document: Discovery, until: Double)?
  private var keys: [SignatureKey] = []
  private var keysRead = -Double.infinity
  private var keysAsked = -Double.infinity

  /// Seconds that what was read of a provider holds.
  static let freshness: Double = 3600
  /// Seconds between two readings of the keys, at least: tokens with made-up keys cause no flood.
  static let pause: Double = 60

  init(
    _ provider: OpenIDProvider, transport: any OpenIDTransport = NetworkTransport(),
    now: @escaping @Sendable () -> Double = { secondsSince1970() }
  ) {
    self.provider = provider
    self.transport = transport
    self.now = now
  }

  /// What a provider says of itself (OpenID Connect Discovery 1.0, section 3).
  struct Discovery: Codable, Sendable {
    var issuer: String
    var authorization_endpoint: String
    var token_endpoint: String
    var jwks_uri: String
    var token_endpoint_auth_methods_supported: [String]?
  }

  /// Where the browser goes to sign in.
  func authorization(
    redirect: String, state: String, nonce: String, challenge: String
  ) async throws -> String {
    let endpoint = try await discovery().authorization_endpoint
    let query = formEncoded([
      ("response_type", "code"), ("client_id", provider.client), ("redirect_uri", redirect),
      ("scope", "openid profile email"), ("state", state), ("nonce", nonce),
      ("code_challenge", challenge), ("code_challenge_method", "S256"),
    ])
    return endpoint + (endpoint.contains("?") ? "&" : "?") + query
  }

  /// Whom the code that the browser brought back stands for. Throws `OpenIDError`.
  func identity(
    code: String, verifier: String, nonce: String, redirect: String
  ) async throws -> OpenIDIdentity {
    struct Answer: Decodable { var id_token: String }
    let body = try await transport.body(of: try await exchange(code, verifier, redirect))
    guard let answer = try? JSONDecoder().decode(Answer.self, from: body) else {
      throw OpenIDError.provider("it gives no id_token")
    }
    let token = try IdentityToken(answer.id_token)
    let claims = try token.claims(
      signedBy: try await key(of: token), provider: provider, nonce: nonce, now: now())
    let email = claims.email_verified == true ? claims.email?.lowercased() : nil
    return OpenIDIdentity(
      issuer: claims.iss, subject: claims.sub,
      name: claims.preferred_username ?? claims.name ?? claims.email ?? claims.sub,
      isAdministrator: email.map(provider.administrators.contains) ?? false)
  }

  private func exchange(
    _ code: String, _ verifier: String, _ redirect: String
  ) async throws -> OpenIDRequest {
    let document = try await discovery()
    var fields = [
      ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect),
      ("code_verifier", verifier), ("client_id", provider.client),
    ]
    let methods = document.token_endpoint_auth_methods_supported ?? ["client_secret_basic"]
    guard methods.contains("client_secret_basic") else {
      fields.append(("client_secret", provider.secret))
      return OpenIDRequest(address: document.token_endpoint, form: formEncoded(fields))
    }
    let pair = "\(formEncoded(provider.client)):\(formEncoded(provider.secret))"
    return OpenIDRequest(
      address: document.token_endpoint, form: formEncoded(fields),
      authorization: "Basic " + Data(pair.utf8).base64EncodedString())
  }

  /// The key that signed `token`, read again when it is not among those known: providers change
  /// them without notice.
  private func key(of token: IdentityToken) async throws -> SignatureKey {
    let isFresh = now() - keysRead < Self.freshness
    if isFresh, let found = token.key(among: keys) { return found }
    guard now() - keysAsked >= Self.pause else {
      throw OpenIDError.token("its key is unknown, and the keys were read a moment ago")
    }
    keysAsked = now()
    let body = try await transport.body(of: OpenIDRequest(address: try await discovery().jwks_uri))
    guard let set = try? JSONDecoder().decode(SignatureKey.WrittenSet.self, from: body) else {
      throw OpenIDError.provider("its keys are malformed")
    }
    keys = set.keys.compactMap(SignatureKey.init)
    keysRead = now()
    guard let found = token.key(among: keys) else { throw OpenIDError.token("its key is unknown") }
    return found
  }

  private func discovery() async throws -> Discovery {
    if let known, known.until > now() { return known.document }
    let base = provider.issuer.hasSuffix("/") ? String(provider.issuer.dropLast()) : provider.issuer
    let body = try await transport.body(
      of: OpenIDRequest(address: base + "/.well-known/openid-configuration"))
    guard let document = try? JSONDecoder().decode(Discovery.self, from: body) else {
      throw OpenIDError.provider("it does not describe itself")
    }
    guard document.issuer == provider.issuer else {
      throw OpenIDError.provider("it describes another issuer")
    }
    for address in [document.authorization_endpoint, document.token_endpoint, document.jwks_uri] {
      // One with TLS sends nobody to places without, and none of elsewhere into this machine.
      let isAsSafe = address.hasPrefix("https://") || provider.issuer.hasPrefix("http://")
      guard isProtectedAddress(address), isAsSafe else { throw OpenIDError.unprotected(address) }
    }
    known = (document, now() + Self.freshness)
    return document
  }
}

/// As forms and queries spell it (application/x-www-form-urlencoded).
func formEncoded(_ text: String) -> String {
  let digits = Array("0123456789ABCDEF".utf8)
  var bytes: [UInt8] = []
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"), UInt8(ascii: "~"):
      bytes.append(byte)
    default:
      bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
  }
  return String(decoding: bytes, as: UTF8.self)
}

func formEncoded(_ fields: [(String, String)]) -> String {
  fields.map { "\(formEncoded($0.0))=\(formEncoded($0.1))" }.joined(separator: "&")
}
