import Foundation

/// A token that says who somebody is (OpenID Connect Core 1.0, section 2): signed JSON (RFC 7515).
struct IdentityToken {
  struct Header: Decodable {
    var alg: String
    var kid: String?
    var crit: [String]?
  }

  struct Claims: Decodable {
    var iss: String
    var sub: String
    var aud: Audience
    var azp: String?
    var exp: Double
    var iat: Double
    var nbf: Double?
    var nonce: String?
    var email: String?
    var email_verified: Bool?
    var preferred_username: String?
    var name: String?
  }

  /// One client or several.
  struct Audience: Decodable {
    var all: [String]

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      all = try (try? [container.decode(String.self)]) ?? container.decode([String].self)
    }
  }

  static let mostBytes = 32 << 10
  /// Seconds that clocks may differ by.
  static let skew: Double = 60
  /// Seconds since its making that a token may have.
  static let oldest: Double = 600

  let header: Header
  private let signed: Data
  private let payload: Data
  private let signature: Data

  init(_ text: String) throws {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard text.utf8.count <= Self.mostBytes, parts.count == 3,
      let head = Data(base64URL: parts[0]), let payload = Data(base64URL: parts[1]),
      let signature = Data(base64URL: parts[2]),
      let header = try? JSONDecoder().decode(Header.self, from: head)
    else { throw OpenIDError.token("it is malformed") }
    guard header.crit == nil else { throw OpenIDError.token("it asks for an extension") }
    guard SignatureKey.Algorithm(rawValue: header.alg) != nil else {
      throw OpenIDError.token("it is not signed by RS256 or ES256")
    }
    self.header = header
    self.payload = payload
    self.signature = signature
    signed = Data("\(parts[0]).\(parts[1])".utf8)
  }

  /// The key among `keys` that the token names; without a name, the only one of its algorithm.
  func key(among keys: [SignatureKey]) -> SignatureKey? {
    let fitting = keys.filter { $0.algorithm.rawValue == header.alg }
    guard let kid = header.kid else { return fitting.count == 1 ? fitting[0] : nil }
    return fitting.first { $0.id == kid }
  }

  /// What it says, if `key` signed it, for this client and this sign-in, and it holds at `now`
  /// (section 3.1.3.7).
  func claims(
    signedBy key: SignatureKey, provider: OpenIDProvider, nonce: String, now: Double
  ) throws -> Claims {
    func require(_ holds: Bool, _ reason: String) throws {
      guard holds else { throw OpenIDError.token(reason) }
    }
    try require(key.algorithm.rawValue == header.alg, "its algorithm is not its key's")
    try require(key.signed(signed, signature), "its signature is wrong")
    guard let claims = try? JSONDecoder().decode(Claims.self, from: payload) else {
      throw OpenIDError.token("a claim is missing or malformed")
    }
    try require(claims.iss == provider.issuer, "it is of another issuer")
    try require(claims.aud.all.contains(provider.client), "it is for another client")
    try require(claims.aud.all.count == 1 || claims.azp != nil, "it is for several clients")
    try require(claims.azp ?? provider.client == provider.client, "another client asked for it")
    try require(now < claims.exp + Self.skew, "it has expired")
    try require(claims.iat < now + Self.skew, "it was made in the future")
    try require(now - claims.iat < Self.oldest + Self.skew, "it was made too long ago")
    try require((claims.nbf ?? now) < now + Self.skew, "it does not hold yet")
    try require(claims.nonce == nonce, "it is of another sign-in")
    try require((1...255).contains(claims.sub.utf8.count), "its subject is empty or too long")
    return claims
  }
}
