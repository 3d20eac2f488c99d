import Crypto
import CryptoExtras
import Foundation
import HTTPTypes
import Synchronization
import TestSupport

@testable import PrimerServing

/// A provider whose answers a test decides. It holds a P-256 and an RSA key.
final class ScriptedProvider: OpenIDTransport {
  struct Script: Sendable {
    var issuer = "https://id.test"
    var claims: [String: any Sendable] = [:]
    var algorithm = "ES256"
    var keyName: String? = "elliptic"
    /// What is written for the signature instead of one; nil: a right one.
    var signature: Data?
    var authorizationEndpoint = "https://id.test/authorize"
    var isRotated = false
    var asked: [OpenIDRequest] = []
    var nonce = ""
    var now: Double = 1_800_000_000
  }

  static let provider = OpenIDProvider(
    id: "test", name: "Test", issuer: "https://id.test", client: "primer", secret: "a:secret",
    administrators: ["boss@id.test"])

  let script = Mutex(Script())
  private let elliptic = P256.Signing.PrivateKey()
  private let rotated = P256.Signing.PrivateKey()
  private let rsa: _RSA.Signing.PrivateKey

  init() throws { rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048) }

  /// Changes what it answers.
  func answer(_ change: (inout Script) -> Void) { script.withLock { change(&$0) } }

  var asked: [OpenIDRequest] { script.withLock { $0.asked } }

  func body(of request: OpenIDRequest) async throws -> Data {
    let script = script.withLock {
      $0.asked.append(request)
      return $0
    }
    switch request.address.split(separator: "/").last {
    case "openid-configuration":
      return try JSONEncoder().encode(
        OpenIDClient.Discovery(
          issuer: script.issuer, authorization_endpoint: script.authorizationEndpoint,
          token_endpoint: "https://id.test/token", jwks_uri: "https://id.test/keys"))
    case "keys": return try keys(script)
    case "token": return Data("{\"id_token\": \"\(try token(script))\"}".utf8)
    default: throw OpenIDError.provider("no such address")
    }
  }

  private func keys(_ script: Script) throws -> Data {
    let (n, e) = try {
      let primitives = try rsa.publicKey.getKeyPrimitives()
      return (primitives.modulus, primitives.publicExponent)
    }()
    let signing = (script.isRotated ? rotated : elliptic).publicKey.rawRepresentation
    return try JSONEncoder().encode(
      SignatureKey.WrittenSet(keys: [
        .init(
          kty: "EC", kid: script.isRotated ? "rotated" : "elliptic", crv: "P-256",
          x: signing.prefix(32).base64URL, y: signing.suffix(32).base64URL),
        .init(kty: "RSA", kid: "rsa", use: "sig", n: n.base64URL, e: e.base64URL),
        .init(kty: "oct", kid: "secret"),
      ]))
  }

  private func token(_ script: Script) throws -> String {
    var header: [String: any Sendable] = ["alg": script.algorithm]
    header["kid"] = script.keyName
    var claims: [String: any Sendable] = [
      "iss": "https://id.test", "sub": "1234", "aud": "primer", "exp": script.now + 300,
      "iat": script.now, "nonce": script.nonce, "preferred_username": "ann",
    ]
    for (name, value) in script.claims { claims[name] = value is NSNull ? nil : value }
    let parts = try [header, claims].map {
      try JSONSerialization.data(withJSONObject: $0).base64URL
    }
    let text = Data(parts.joined(separator: ".").utf8)
    let signature = try script.signature ?? sign(text, script)
    return (parts + [signature.base64URL]).joined(separator: ".")
  }

  private func sign(_ text: Data, _ script: Script) throws -> Data {
    switch script.algorithm {
    case "RS256": try rsa.signature(for: text, padding: .insecurePKCS1v1_5).rawRepresentation
    case "HS256":
      // The classic confusion: the public key, which everybody knows, as the shared secret.
      Data(
        HMAC<Crypto.SHA256>.authenticationCode(
          for: text, using: SymmetricKey(data: Data(rsa.publicKey.pemRepresentation.utf8))))
    case "none": Data()
    default:
      try (script.isRotated ? rotated : elliptic).signature(for: text).rawRepresentation
    }
  }
}

/// A service that trusts a scripted provider, and browsers that sign in by it.
struct OpenIDHarness: Sendable {
  let provider: ScriptedProvider
  let product: ProductHarness

  init() async throws {
    let provider = try ScriptedProvider()
    let now: @Sendable () -> Double = { provider.script.withLock { $0.now } }
    self.provider = provider
    product = try await ProductHarness(
      openID: OpenIDSignIn(
        address: "https://chat.test",
        clients: [
          OpenIDClient(ScriptedProvider.provider, transport: provider, now: now),
          OpenIDClient(
            OpenIDProvider(
              id: "other", name: "Other", issuer: "https://other.test", client: "x", secret: "y"),
            transport: provider, now: now),
        ], pending: PendingSignIns(now: now)))
  }

  struct Begun {
    var cookie: String
    var query: [String: String]
    var address: String { "/sign-in/test/answer?code=abc&state=\(query["state"]!)" }
  }

  /// Presses the button; the provider then knows the nonce.
  func begin() async throws -> Begun {
    let answer = try await product.send(.get, "/sign-in/test")
    let items = URLComponents(string: answer.headers[.location] ?? "")?.queryItems ?? []
    let query = Dictionary(uniqueKeysWithValues: items.map { ($0.name, $0.value ?? "") })
    provider.answer { $0.nonce = query["nonce"] ?? "" }
    let cookie = answer.headers[.setCookie] ?? ""
    return Begun(cookie: String(cookie.prefix { $0 != ";" }), query: query)
  }

  /// Comes back from the provider: the session's cookie, or nil where the sign-in was refused.
  func end(_ begun: Begun, address: String? = nil, cookie: String? = nil) async throws -> String? {
    let answer = try await product.send(
      .get, address ?? begun.address, headers: [.cookie: cookie ?? begun.cookie])
    guard answer.headers[.location] == "/" else { return nil }
    let session = answer.headers[values: .setCookie].first { $0.contains("Max-Age=2592000") }
    return session.map { String($0.prefix { $0 != ";" }) }
  }

  /// Whether a sign-in with what the provider is told to answer succeeds.
  func signsIn(_ change: (inout ScriptedProvider.Script) -> Void = { _ in }) async throws -> Bool {
    let begun = try await begin()
    provider.answer(change)
    return try await end(begun) != nil
  }

  func me(_ session: String) async throws -> [String: Any]? {
    try await product.send(.get, "/api/me", headers: [.cookie: session])["user"] as? [String: Any]
  }
}
