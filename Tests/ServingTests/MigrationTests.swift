import Foundation
import GRDB
import TestSupport
import Testing

@testable import PrimerServing

/// Stores that earlier versions made, opened by this one.
@Suite struct MigrationTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Every released schema that had conversations, but for the present one.
  static let earlier = Array(
    StoreSchema.migrator.migrations.drop { $0 != "conversations" }.dropLast())

  private static let branches = [
    ("q1", "NULL", "user", "What is a ∛ of 27? 🙂\nTwo lines.", "done"),
    ("a1", "'q1'", "assistant", "3, since 3·3·3 = 27.", "done"),
    ("a2", "'q1'", "assistant", String(repeating: "long ", count: 20_000), "length"),
    ("q2", "'a1'", "user", "Are you sure?", "done"),
    ("a3", "'q2'", "assistant", "I was being wri", "writing"),
    ("a4", "'q2'", "assistant", "", "failed"),
  ]

  /// A store as the version with `schema` left it, with two people's conversations in it.
  private func makeStore(upTo schema: String) throws {
    let database = try DatabasePool(
      path: folder.url.appending(path: Store.fileName).path)
    defer { try? database.close() }
    try StoreSchema.migrator.migrate(database, upTo: schema)
    try database.write { database in
      for user in ["ann", "bob"] {
        try database.execute(
          sql: """
            INSERT INTO users (id, name, role, password, created)
            VALUES ('\(user)', '\(user)', 'user', 'hash', 1);
            INSERT INTO identities VALUES ('https://id', '\(user)', '\(user)');
            INSERT INTO conversations VALUES
              ('\(user)-talk', '\(user)', 'title', 'system', 'model', '{"seed":7}', '\(user)-a3', 2, 3);
            """)
        for (index, one) in Self.branches.enumerated() {
          let parent = one.1.replacing("'", with: "").replacing("NULL", with: "")
          try database.execute(
            sql: """
              INSERT INTO messages (id, conversation, user, parent, role, content, state, model,
                system, sampling, prompt_tokens, tokens, seconds, created)
              VALUES (?, ?, ?, ?, ?, ?, ?, 'model', 'system', '{"topK":4}', 11, 12, 0.5, ?)
              """,
            arguments: [
              "\(user)-\(one.0)", "\(user)-talk", user, parent.isEmpty ? nil : "\(user)-\(parent)",
              one.2, one.3, one.4, 10 + index,
            ])
        }
      }
      guard try database.tableExists("feedback") else { return }
      for (message, kind) in [("ann-a1", "thumb"), ("ann-a2", "better"), ("ann-q1", "vote")] {
        try database.execute(
          sql: "INSERT INTO feedback VALUES (?, 'ann', ?, ?, '{\"up\":true,\"reason\":\"\"}', 20)",
          arguments: ["\(message)-\(kind)", message, kind])
      }
      try database.execute(
        sql: "INSERT INTO flags VALUES ('f', 'bob', 'bob-a1', '{\"hate\":0.5}', 0, 'upheld', 21)")
    }
  }

  /// All rows of the tables that the old schema had, in the columns that it had.
  private static func rows(
    _ database: some DatabaseReader, _ columns: [String: [String]]? = nil
  ) throws -> (rows: [String: [Row]], columns: [String: [String]]) {
    try database.read { database in
      var (all, names) = ([String: [Row]](), columns ?? [:])
      if columns == nil {
        let tables = try String.fetchAll(
          database, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
        for table in tables where table != "grdb_migrations" {
          names[table] = try database.columns(in: table).map(\.name)
        }
      }
      for (table, columns) in names {
        let list = columns.joined(separator: ", ")
        all[table] = try Row.fetchAll(
          database, sql: "SELECT \(list) FROM \(table) ORDER BY \(list)")
      }
      return (all, names)
    }
  }

  @Test(
    "a store of every earlier version is opened with all its rows as they were", arguments: earlier)
  func nothingLost(schema: String) async throws {
    try makeStore(upTo: schema)
    let path = folder.url.appending(path: Store.fileName).path
    let before = try Self.rows(DatabaseQueue(path: path))
    #expect(before.rows["messages"]?.count == 2 * Self.branches.count)
    let store = try Store(folder: folder.url)
    let after = try Self.rows(store.database, before.columns)
    #expect(after.rows == before.rows)
    let (isComplete, orphans) = try await store.database.read { database in
      (
        try StoreSchema.migrator.hasCompletedMigrations(database),
        try Row.fetchAll(database, sql: "PRAGMA foreign_key_check").count
      )
    }
    #expect(isComplete && orphans == 0)
  }

  @Test(
    "old conversations are read, answered, refused and rated as new ones are", arguments: earlier)
  func goesOn(schema: String) async throws {
    try makeStore(upTo: schema)
    let store = try Store(folder: folder.url)
    try await store.endUnfinishedAnswers()
    let mine = store.owned(by: "ann")
    #expect(
      try await mine.branch(to: "ann-a3").map(\.id) == ["ann-q1", "ann-a1", "ann-q2", "ann-a3"])
    #expect(try await mine.message("ann-a3").state == .stopped)
    #expect(try await mine.message("ann-a3").content == "I was being wri")
    #expect(try await mine.conversation("ann-talk").sampling.seed == 7)
    let answer = try await mine.beginAnswer(
      to: "ann-q2", in: "ann-talk", model: "m", system: "", sampling: .init())
    try await mine.saveAnswer(
      answer.id, content: "", state: .refused, promptTokens: 0, tokens: 0, seconds: 0)
    try await mine.give(.thumb(up: false, reason: ""), on: "ann-a3")
    await #expect(throws: StoreError.self) { try await mine.message("bob-a1") }
    try await mine.deleteConversation("ann-talk")
    #expect(try await store.owned(by: "bob").messages(of: "bob-talk").count == Self.branches.count)
  }
}
