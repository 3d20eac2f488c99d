package import Foundation

/// A service that vouches for users by OpenID Connect.
package struct OpenIDProvider: Sendable, Equatable {
  /// In addresses: lower-case letters, digits, hyphens.
  package var id: String
  /// On the button.
  package var name: String
  /// As its tokens spell it.
  package var issuer: String
  package var client: String
  package var secret: String
  /// Lower-case e-mail addresses that, vouched for by this provider, make an administrator.
  package var administrators: Set<String> = []
}

/// Who may sign in by whose word: `sign-in.json` in the data folder, documented in
/// Documentation/serving.md.
package struct SignInSettings: Sendable, Equatable {
  package static let fileName = "sign-in.json"

  /// The address that browsers know the service by: "https://chat.example.org"; nil: what they
  /// call it by, over plain HTTP.
  package var address: String?
  package var providers: [OpenIDProvider] = []

  package init(address: String? = nil, providers: [OpenIDProvider] = []) {
    self.address = address
    self.providers = providers
  }

  /// Whether browsers come by TLS.
  package var isSecure: Bool { address?.hasPrefix("https://") ?? false }

  /// What the file in `folder` says; nobody, if there is none. Throws `ServingError.badData`.
  package init(
    folder: URL, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    let file = folder.appendingPathComponent(Self.fileName)
    guard FileManager.default.fileExists(atPath: file.path) else { return }
    do {
      let written = try JSONDecoder().decode(Written.self, from: Data(contentsOf: file))
      address = written.address.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
      providers = try written.providers.map { try $0.provider(folder, environment) }
    } catch {
      throw ServingError.badData(file, reason: (error as? Fault)?.reason ?? "\(error)")
    }
    let ids = providers.map(\.id)
    guard Set(ids).count == ids.count else {
      throw ServingError.badData(file, reason: "two providers have the same id")
    }
    guard address.map({ isProtectedAddress($0) }) ?? true else {
      throw ServingError.badData(file, reason: "the address has to begin with https://")
    }
  }

  private struct Fault: Error { var reason: String }

  private struct Written: Decodable {
    struct Provider: Decodable {
      var id: String
      var name: String?
      var issuer: String
      var client_id: String
      var secret_file: String?
      var secret_variable: String?
      var administrators: [String]?

      func provider(_ folder: URL, _ environment: [String: String]) throws -> OpenIDProvider {
        guard !id.isEmpty, id.utf8.count <= 40,
          id.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == 45 })
        else { throw Fault(reason: "an id has 1 to 40 lower-case letters, digits and hyphens") }
        guard isProtectedAddress(issuer) else {
          throw Fault(reason: "the issuer of \(id) has to begin with https://, but on loopback")
        }
        return OpenIDProvider(
          id: id, name: name ?? id, issuer: issuer, client: client_id,
          secret: try secret(folder, environment),
          administrators: Set((administrators ?? []).map { $0.lowercased() }))
      }

      private func secret(_ folder: URL, _ environment: [String: String]) throws -> String {
        if let secret_file {
          let file =
            secret_file.hasPrefix("/")
            ? URL(filePath: secret_file) : folder.appendingPathComponent(secret_file)
          return try String(contentsOf: file, encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        }
        guard let secret_variable, let secret = environment[secret_variable], !secret.isEmpty else {
          throw Fault(reason: "\(id) needs secret_file, or secret_variable that is set")
        }
        return secret
      }
    }
    var address: String?
    var providers: [Provider]
  }
}

/// Whether what goes to `address` is protected on its way: TLS, or this machine only.
func isProtectedAddress(_ address: String) -> Bool {
  guard let url = URL(string: address), let host = url.host(percentEncoded: false), !host.isEmpty,
    url.user == nil, url.fragment == nil
  else { return false }
  return url.scheme == "https" || (url.scheme == "http" && isLoopback(host))
}

func isLoopback(_ host: String) -> Bool {
  ["localhost", "127.0.0.1", "::1", "[::1]"].contains(host.lowercased())
}
