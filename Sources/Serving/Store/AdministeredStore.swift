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
    /// During which at least one answer was being made.
    package var busySeconds: Double
    /// Mean time to the first word.
    package var wait: Double
    package var thumbsUp: Int
    package var thumbsDown: Int
  }

  package struct Person: Sendable, Codable, FetchableRecord {
    package var id: String
    package var name: String
    package var role: User.Role
    package var created: Double
    package var disabled: Bool
    package var conversations: Int
    package var promptTokens: Int
    package var tokens: Int
    /// Of all answers, those made at the same time counted each.
    package var seconds: Double
  }

  package struct ModelUse: Sendable, Codable, FetchableRecord {
    package var model: String
    /// nil: from before versions were kept.
    package var version: String?
    package var answers: Int
    package var promptTokens: Int
    package var tokens: Int
    /// Of all answers, those made at the same time counted each.
    package var seconds: Double
    /// Those of `seconds` after the first words.
    package var writingSeconds: Double
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

  /// Answers that a model made, in part at least.
  private static let made = "m.role = 'assistant' AND (m.state <> 'refused' OR m.tokens > 0)"

  /// Each of them, and how much of its time was not another's before it.
  private static let timed = """
    SELECT *, date(created, 'unixepoch') AS day, max(0, created + seconds
      - max(created, coalesce(max(created + seconds) OVER (
        ORDER BY created ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0))) AS own
    FROM messages m WHERE \(made)
    """

  private static let thumbs = """
    coalesce(sum(f.value LIKE '%"up":true%'), 0) AS thumbsUp,
    coalesce(sum(f.value LIKE '%"up":false%'), 0) AS thumbsDown
    """

  /// The last 30 days on which something was answered, oldest first.
  package func days() async throws -> [Day] {
    try await database.read {
      try Day.fetchAll(
        $0,
        sql: """
          SELECT * FROM (SELECT m.day, count(*) AS answers, sum(prompt_tokens) AS promptTokens,
            sum(tokens) AS tokens, sum(own) AS busySeconds,
            coalesce(avg(CASE WHEN tokens > 0 THEN wait END), 0) AS wait, \(Self.thumbs)
          FROM (\(Self.timed)) m LEFT JOIN feedback f ON f.message = m.id AND f.kind = 'thumb'
          GROUP BY m.day ORDER BY m.day DESC LIMIT 30) ORDER BY day
          """)
    }
  }

  /// Seconds, of all time, during which at least one answer was being made.
  package func busySeconds() async throws -> Double {
    try await database.read {
      try Double.fetchOne($0, sql: "SELECT coalesce(sum(own), 0) FROM (\(Self.timed))") ?? 0
    }
  }

  package func people() async throws -> [Person] {
    try await database.read {
      try Person.fetchAll(
        $0,
        sql: """
          SELECT u.id, u.name, u.role, u.created, u.disabled,
            (SELECT count(*) FROM conversations c WHERE c.user = u.id) AS conversations,
            coalesce(sum(m.prompt_tokens), 0) AS promptTokens,
            coalesce(sum(m.tokens), 0) AS tokens, coalesce(sum(m.seconds), 0) AS seconds
          FROM users u LEFT JOIN messages m ON m.user = u.id
          GROUP BY u.id ORDER BY u.created
          """)
    }
  }

  package func models() async throws -> [ModelUse] {
    try await database.read {
      try ModelUse.fetchAll(
        $0,
        sql: """
          SELECT m.model, m.version, count(*) AS answers, sum(prompt_tokens) AS promptTokens,
            sum(tokens) AS tokens, sum(seconds) AS seconds, sum(seconds - wait) AS writingSeconds,
            \(Self.thumbs)
          FROM messages m LEFT JOIN feedback f ON f.message = m.id AND f.kind = 'thumb'
          WHERE \(Self.made) GROUP BY m.model, m.version ORDER BY answers DESC
          """)
    }
  }

  /// How many there are of each kind; of thumbs, "thumbUp" and "thumbDown" too.
  package func feedbackCounts() async throws -> [String: Int] {
    try await database.read { database in
      let rows = try Row.fetchAll(
        database, sql: "SELECT kind, count(*) AS number FROM feedback GROUP BY kind")
      var counts =
        Dictionary(uniqueKeysWithValues: rows.map { ($0["kind"], $0["number"]) })
        as [String: Int]
      let thumbs = try Row.fetchOne(
        database, sql: "SELECT \(Self.thumbs) FROM feedback f WHERE f.kind = 'thumb'")
      counts["thumbUp"] = thumbs?["thumbsUp"]
      counts["thumbDown"] = thumbs?["thumbsDown"]
      return counts
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
