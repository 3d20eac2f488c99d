import Crypto
import CryptoExtras
import Foundation

/// A provider's public key (RFC 7517) for one algorithm, which the key decides and never the token:
/// so neither "none" nor a shared secret made of the public key signs anything.
struct SignatureKey: Sendable {
  enum Algorithm: String, Sendable { case rs256 = "RS256", es256 = "ES256" }

  let id: String?
  let algorithm: Algorithm
  private let isValid: @Sendable (_ signature: Data, _ text: Data) -> Bool

  func signed(_ text: Data, _ signature: Data) -> Bool { isValid(signature, text) }

  /// nil for keys of other kinds, for other uses, or too weak.
  init?(_ written: Written) {
    guard written.use ?? "sig" == "sig" else { return nil }
    id = written.kid
    switch written.kty {
    case "RSA":
      guard let n = Data(base64URL: written.n), let e = Data(base64URL: written.e), n.count >= 256,
        let key = try? _RSA.Signing.PublicKey(n: n, e: e)
      else { return nil }
      algorithm = .rs256
      isValid = { signature, text in
        key.isValidSignature(
          _RSA.Signing.RSASignature(rawRepresentation: signature), for: text,
          padding: .insecurePKCS1v1_5)
      }
    case "EC":
      guard written.crv == "P-256", let x = Data(base64URL: written.x), x.count == 32,
        let y = Data(base64URL: written.y), y.count == 32,
        let key = try? P256.Signing.PublicKey(rawRepresentation: x + y)
      else { return nil }
      algorithm = .es256
      isValid = { signature, text in
        guard let parsed = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else {
          return false
        }
        return key.isValidSignature(parsed, for: text)
      }
    default: return nil
    }
    guard written.alg ?? algorithm.rawValue == algorithm.rawValue else { return nil }
  }

  struct Written: Codable {
    var kty, kid, use, alg, n, e, crv, x, y: String?
  }

  struct WrittenSet: Codable { var keys: [Written] }
}

extension Data {
  /// Bytes written as unpadded base64url (RFC 4648, section 5).
  init?(base64URL text: String?) {
    guard var text, text.utf8.allSatisfy(Self.isBase64URL) else { return nil }
    text = text.replacing("-", with: "+").replacing("_", with: "/")
    text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    self.init(base64Encoded: text)
  }

  private static func isBase64URL(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  var base64URL: String {
    base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
      .replacing("=", with: "")
  }
}
