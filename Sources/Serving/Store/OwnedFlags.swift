import GRDB

/// What moderation found in a message, as its user may know it: not how surely, or from where on.
package struct StoredFlag: Sendable, Codable, Equatable {
  package enum State: String, Sendable, Codable {
    /// No administrator has looked at it.
    case open
    case upheld
    /// An administrator found it harmless.
    case dismissed
  }

  package var message: String
  /// The surest first.
  package var categories: [String]
  /// Whether it went no further.
  package var refused: Bool
  package var state: State

  fileprivate init(_ row: Row) {
    let found: [String: Double] = decoded(row["categories"]) ?? [:]
    message = row["message"]
    categories = found.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.map(\.key)
    refused = row["refused"]
    state = State(rawValue: row["state"]) ?? .open
  }
}

extension OwnedStore {
  /// Marks a message for the eyes of an administrator. What is found in it again is added to its
  /// mark, which stays as settled as it is.
  package func flag(_ message: String, categories: [String: Double], refused: Bool) async throws {
    try await database.write { [user] database in
      _ = try Self.message(message, of: user, database)
      let marked = try Row.fetchOne(
        database, sql: "SELECT * FROM flags WHERE message = ? AND user = ? LIMIT 1",
        arguments: [message, user])
      guard let marked else {
        return try database.execute(
          sql: """
            INSERT INTO flags (id, user, message, categories, refused, created)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
          arguments: [
            randomIdentifier(), user, message, encoded(categories), refused, secondsSince1970(),
          ])
      }
      let known: [String: Double] = decoded(marked["categories"]) ?? [:]
      try database.execute(
        sql: "UPDATE flags SET categories = ?, refused = max(refused, ?) WHERE id = ?",
        arguments: [
          encoded(known.merging(categories) { max($0, $1) }), refused, marked["id"] as String,
        ])
    }
  }

  /// What was found in a message, if anything was.
  package func flag(on message: String) async throws -> StoredFlag? {
    try await database.read { [user] database in
      try Row.fetchOne(
        database,
        sql: "SELECT * FROM flags WHERE message = ? AND user = ? ORDER BY created LIMIT 1",
        arguments: [message, user]
      ).map { StoredFlag($0) }
    }
  }

  package func flags(in conversation: String) async throws -> [StoredFlag] {
    try await database.read { [user] database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT f.* FROM flags f JOIN messages m ON m.id = f.message
          WHERE f.user = ? AND m.conversation = ? ORDER BY f.created
          """, arguments: [user, conversation]
      ).map { StoredFlag($0) }
    }
  }
}
