import GRDB

/// The store as an administrator sees it: sums over all users, and what was flagged; never a
/// conversation that nobody flagged.
package struct AdministeredStore: Sendable {
  let database: DatabasePool

  package struct Day: Sendable, Codable, FetchableRecord {
    /// "2026-11-24"
    package var day: String
    package var answers: Int
    package var promptTokens: Int
    package var tokens: Int
    package var seconds: Double
  }

  package struct Person: Sendable, Codable, FetchableRecord {
    package var id: String
    package var name: String
    package var role: User.Role
    package var created: Double
    package var disabled: Bool
    package var conversations: Int
    package var tokens: Int
  }

  package struct ModelUse: Sendable, Codable, FetchableRecord {
    package var model: String
    package var answers: Int
    package var tokens: Int
    package var thumbsUp: Int
    package var thumbsDown: Int
  }

  package struct Flag: Sendable, Codable {
    package var id: String
    package var user: String
    package var role: String
    package var content: String
    package var categories: [String: Double]
    package var refused: Bool
    package var state: String
    package var created: Double
  }

  /// The last 30 days on which something was answered, oldest first.
  package func days() async throws -> [Day] {
    try await database.read {
      try Day.fetchAll(
        $0,
        sql: """
          SELECT * FROM (SELECT date(created, 'unixepoch') AS day, count(*) AS answers,
            sum(prompt_tokens) AS promptTokens, sum(tokens) AS tokens, sum(seconds) AS seconds
          FROM messages WHERE role = 'assistant' GROUP BY day ORDER BY day DESC LIMIT 30)
          ORDER BY day
          """)
    }
  }

  package func people() async throws -> [Person] {
    try await database.read {
      try Person.fetchAll(
        $0,
        sql: """
          SELECT id, name, role, created, disabled,
            (SELECT count(*) FROM conversations c WHERE c.user = users.id) AS conversations,
            (SELECT coalesce(sum(tokens), 0) FROM messages m WHERE m.user = users.id) AS tokens
          FROM users ORDER BY created
          """)
    }
  }

  package func models() async throws -> [ModelUse] {
    try await database.read {
      try ModelUse.fetchAll(
        $0,
        sql: """
          SELECT m.model, count(*) AS answers, sum(tokens) AS tokens,
            coalesce(sum(f.value LIKE '%"up":true%'), 0) AS thumbsUp,
            coalesce(sum(f.value LIKE '%"up":false%'), 0) AS thumbsDown
          FROM messages m LEFT JOIN feedback f ON f.message = m.id AND f.kind = 'thumb'
          WHERE m.role = 'assistant' GROUP BY m.model ORDER BY answers DESC
          """)
    }
  }

  /// How many there are of each kind.
  package func feedbackCounts() async throws -> [String: Int] {
    try await database.read { database in
      let rows = try Row.fetchAll(
        database, sql: "SELECT kind, count(*) AS number FROM feedback GROUP BY kind")
      return Dictionary(uniqueKeysWithValues: rows.map { ($0["kind"], $0["number"]) })
    }
  }

  package func flags() async throws -> [Flag] {
    try await database.read { database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT flags.*, users.name, m.role, m.content FROM flags
          JOIN messages m ON m.id = flags.message JOIN users ON users.id = flags.user
          ORDER BY flags.state <> 'open', flags.created DESC LIMIT 200
          """
      ).map { row in
        Flag(
          id: row["id"], user: row["name"], role: row["role"], content: row["content"],
          categories: decoded(row["categories"]) ?? [:], refused: row["refused"],
          state: row["state"], created: row["created"])
      }
    }
  }

  package func settleFlag(_ id: String, upheld: Bool) async throws {
    try await database.write { database in
      try database.execute(
        sql: "UPDATE flags SET state = ? WHERE id = ?",
        arguments: [upheld ? "upheld" : "dismissed", id])
      guard database.changesCount == 1 else { throw StoreError.notFound("flagged message") }
    }
  }
}
