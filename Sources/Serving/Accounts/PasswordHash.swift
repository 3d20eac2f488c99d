import CryptoExtras
import Foundation

/// Passwords by scrypt (RFC 7914), N = 2^15, r = 8, p = 3 as OWASP advises: 32 MiB and about a
/// third of a second each. One at a time, so that a flood of guesses takes one core at most.
actor PasswordHash {
  static let shared = PasswordHash()
  private static let rounds = 1 << 15
  private static let blockSize = 8
  private static let parallelism = 3
  static let shortest = 8

  /// "scrypt$N$r$p$salt$key", salt and key in base64; nil for nil: signs in by other means only.
  func make(_ password: String?) throws -> String? {
    guard let password else { return nil }
    guard password.utf8.count >= Self.shortest, password.utf8.count <= 1024 else {
      throw StoreError.invalid("a password has \(Self.shortest) to 1024 bytes")
    }
    var generator = SystemRandomNumberGenerator()
    let salt = Data((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
    let key = try Self.key(password, salt, Self.rounds, Self.blockSize, Self.parallelism)
    let fields = [Self.rounds, Self.blockSize, Self.parallelism].map(String.init)
    return (["scrypt"] + fields + [salt.base64EncodedString(), key.base64EncodedString()])
      .joined(separator: "$")
  }

  /// Takes as long for a user that does not exist (nil) as for one that does.
  func matches(_ password: String, _ stored: String?) throws -> Bool {
    let fields = (stored ?? "").split(separator: "$").map(String.init)
    guard fields.count == 6, fields[0] == "scrypt", let n = Int(fields[1]), let r = Int(fields[2]),
      let p = Int(fields[3]), let salt = Data(base64Encoded: fields[4]),
      let key = Data(base64Encoded: fields[5]), password.utf8.count <= 1024
    else {
      _ = try Self.key("", Data(count: 16), Self.rounds, Self.blockSize, Self.parallelism)
      return false
    }
    let tried = try Self.key(password, salt, n, r, p)
    return zip(tried, key).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0 && tried.count == key.count
  }

  private static func key(_ password: String, _ salt: Data, _ n: Int, _ r: Int, _ p: Int) throws
    -> Data
  {
    try KDF.Scrypt.deriveKey(
      from: Data(password.utf8), salt: salt, outputByteCount: 32, rounds: n, blockSize: r,
      parallelism: p, maxMemory: 1 << 27
    ).withUnsafeBytes { Data($0) }
  }
}
