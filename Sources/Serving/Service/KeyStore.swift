import Foundation
import HTTPTypes
import Hummingbird
import PrimerFiles
import Synchronization

/// A key of the API, without its secret.
struct APIKey: Sendable, Codable, Equatable {
  /// "key_" and 16 hexadecimal digits.
  let id: String
  var name: String
  /// The user that it acts for.
  var user: String
  var scopes: Set<Scope>
  /// Seconds since 1970.
  let created: Int
  /// Seconds since 1970 from which it is refused; nil: it is valid.
  var revoked: Int?
  var concurrency: Int?
  var requestsPerMinute: Int?
  /// SHA-256 of the secret in hexadecimal. Secrets have 256 random bits, so nothing slower is needed.
  let hash: String
}

/// Where keys are kept.
protocol KeyStore: Sendable {
  func key(hash: String) async throws -> APIKey?
  func keys() async throws -> [APIKey]
  func insert(_ key: APIKey) async throws
  /// The key as it is then; nil where there is none.
  func revoke(id: String, at time: Int) async throws -> APIKey?
}

extension KeyStore {
  /// A new key, and the secret that is shown once.
  func make(
    name: String, user: String, scopes: Set<Scope>, concurrency: Int? = nil,
    requestsPerMinute: Int? = nil
  ) async throws -> (key: APIKey, secret: String) {
    let secret = "pk-" + Self.random(bytes: 32)
    let key = APIKey(
      id: "key_" + Self.random(bytes: 8), name: name, user: user, scopes: scopes,
      created: Int(Date().timeIntervalSince1970), concurrency: concurrency,
      requestsPerMinute: requestsPerMinute, hash: APIKey.hash(secret))
    try await insert(key)
    return (key, secret)
  }

  private static func random(bytes count: Int) -> String {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in
      let byte = String(UInt8.random(in: .min ... .max, using: &generator), radix: 16)
      return byte.count == 1 ? "0" + byte : byte
    }.joined()
  }
}

extension APIKey {
  static func hash(_ secret: String) -> String {
    var sha = SHA256()
    sha.update(Array(secret.utf8))
    return sha.hexadecimal
  }

  var caller: Caller {
    Caller(
      user: user, scopes: scopes, concurrency: concurrency, requestsPerMinute: requestsPerMinute,
      key: id)
  }
}

/// Keys in one JSON file that its owner alone may read.
final class FileKeyStore: KeyStore {
  private let url: URL
  private let state: Mutex<[APIKey]>

  /// - Throws: `FileError`, or a decoding error where the file is no list of keys.
  init(folder: URL) throws {
    url = folder.appending(path: "keys.json")
    var keys: [APIKey] = []
    if FileManager.default.fileExists(atPath: url.path) {
      do { keys = try JSONDecoder().decode([APIKey].self, from: Data(contentsOf: url)) } catch {
        throw ServingError.badData(url, reason: "not a list of keys")
      }
    }
    state = Mutex(keys)
  }

  func key(hash: String) -> APIKey? { state.withLock { $0.first { $0.hash == hash } } }

  func keys() -> [APIKey] { state.withLock { $0 } }

  func insert(_ key: APIKey) throws { try change { $0.append(key) } }

  func revoke(id: String, at time: Int) throws -> APIKey? {
    try change { keys in
      guard let index = keys.firstIndex(where: { $0.id == id }) else { return nil }
      if keys[index].revoked == nil { keys[index].revoked = time }
      return keys[index]
    }
  }

  /// The change holds once the file does.
  private func change<Result: Sendable>(
    _ body: (inout sending [APIKey]) -> sending Result
  ) throws -> Result {
    try state.withLock { keys in
      var changed = keys
      let result = body(&changed)
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
      try AtomicFile.write(encoder.encode(changed), to: url)
      chmod(url.path, 0o600)
      keys = changed
      return result
    }
  }
}

/// Callers by "Authorization: Bearer KEY".
struct KeyHolders: CallerSource {
  let store: any KeyStore

  func caller(of request: Request) async throws -> Caller? {
    guard let header = request.headers[.authorization] else { return nil }
    let parts = header.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
    // Found by its hash, so that no comparison tells how much of a guess was right.
    guard let key = try await store.key(hash: APIKey.hash(String(parts[1]))), key.revoked == nil
    else { return nil }
    return key.caller
  }
}
