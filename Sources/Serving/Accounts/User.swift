import GRDB

/// Somebody who may sign in.
package struct User: Sendable, Equatable, Codable, FetchableRecord, Identifiable {
  package enum Role: String, Sendable, Codable { case user, admin }

  package var id: String
  package var name: String
  package var role: Role
  /// Whether this user's feedback may train the next version of the model.
  package var consent: Bool
  /// Seconds since 1970.
  package var created: Double
  /// Whether this user is kept out.
  package var disabled = false
}

/// A signed-in browser: what the cookie stands for.
package struct Session: Sendable, Equatable {
  package var user: User
  /// What every changing request must repeat in its header.
  package var csrf: String
}
