import GRDB

/// The store as one user may see it. Every query names the user, so that none can forget to: there
/// is no way from the service to a conversation but through here.
package struct OwnedStore: Sendable {
  let database: DatabasePool
  let user: User.ID

  // MARK: Conversations

  /// Newest first. With a `search`, those whose title or messages hold the text.
  package func conversations(search: String = "", limit: Int = 500) async throws
    -> [StoredConversation]
  {
    let wanted = search.trimmingPrefix(while: \.isWhitespace)
    let pattern = "%" + Self.escapedForLike(String(wanted)) + "%"
    return try await database.read { [user] database in
      try StoredConversation.fetchAll(
        database,
        sql: """
          SELECT * FROM conversations c WHERE user = :user AND (:all OR title LIKE :pattern ESCAPE '\\'
            OR EXISTS (SELECT 1 FROM messages m WHERE m.conversation = c.id AND m.user = :user
              AND m.content LIKE :pattern ESCAPE '\\'))
          ORDER BY changed DESC LIMIT :limit
          """,
        arguments: ["user": user, "all": wanted.isEmpty, "pattern": pattern, "limit": limit])
    }
  }

  private static func escapedForLike(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      if "%_\\".contains(character) { result.append("\\") }
      result.append(character)
    }
  }

  package func conversation(_ id: String) async throws -> StoredConversation {
    try await database.read { [user] in try Self.conversation(id, of: user, $0) }
  }

  static func conversation(_ id: String, of user: User.ID, _ database: Database) throws
    -> StoredConversation
  {
    guard
      let found = try StoredConversation.fetchOne(
        database, sql: "SELECT * FROM conversations WHERE id = ? AND user = ?",
        arguments: [id, user])
    else { throw StoreError.notFound("conversation") }
    return found
  }

  package func createConversation(
    title: String = "", system: String = "", model: String, sampling: SamplingChoice = .init()
  ) async throws -> StoredConversation {
    let now = secondsSince1970()
    let new = StoredConversation(
      id: randomIdentifier(), title: title, system: system, model: model, sampling: sampling,
      leaf: nil, created: now, changed: now)
    try await database.write { [user] database in
      try database.execute(
        sql: """
          INSERT INTO conversations (id, user, title, system, model, sampling, created, changed)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [new.id, user, title, system, model, encoded(sampling), now, now])
    }
    return new
  }

  /// Changes what is not nil. `leaf` must be a message of the conversation.
  package func updateConversation(
    _ id: String, title: String? = nil, system: String? = nil, model: String? = nil,
    sampling: SamplingChoice? = nil, leaf: String? = nil
  ) async throws {
    try await database.write { [user] database in
      if let leaf {
        let message = try Self.message(leaf, of: user, database)
        guard message.conversation == id else { throw StoreError.notFound("message") }
      }
      try database.execute(
        sql: """
          UPDATE conversations SET title = coalesce(?, title), system = coalesce(?, system),
            model = coalesce(?, model), sampling = coalesce(?, sampling), leaf = coalesce(?, leaf)
          WHERE id = ? AND user = ?
          """,
        arguments: [title, system, model, sampling.map(encoded), leaf, id, user])
      guard database.changesCount == 1 else { throw StoreError.notFound("conversation") }
    }
  }

  /// With its messages, and the feedback and flags on them.
  package func deleteConversation(_ id: String) async throws {
    try await database.write { [user] database in
      try database.execute(
        sql: "DELETE FROM conversations WHERE id = ? AND user = ?", arguments: [id, user])
      guard database.changesCount == 1 else { throw StoreError.notFound("conversation") }
    }
  }

  // MARK: Messages

  /// All branches, oldest first.
  package func messages(of conversation: String) async throws -> [StoredMessage] {
    try await database.read { [user] database in
      _ = try Self.conversation(conversation, of: user, database)
      return try StoredMessage.fetchAll(
        database,
        sql: "SELECT * FROM messages WHERE conversation = ? AND user = ? ORDER BY created, rowid",
        arguments: [conversation, user])
    }
  }

  package func message(_ id: String) async throws -> StoredMessage {
    try await database.read { [user] in try Self.message(id, of: user, $0) }
  }

  static func message(_ id: String, of user: User.ID, _ database: Database) throws -> StoredMessage
  {
    guard
      let found = try StoredMessage.fetchOne(
        database, sql: "SELECT * FROM messages WHERE id = ? AND user = ?", arguments: [id, user])
    else { throw StoreError.notFound("message") }
    return found
  }

  /// From the first message of the branch to `id` itself.
  package func branch(to id: String) async throws -> [StoredMessage] {
    try await database.read { [user] in try Self.branch(to: id, of: user, $0) }
  }

  static func branch(to id: String, of user: User.ID, _ database: Database) throws
    -> [StoredMessage]
  {
    let branch = try StoredMessage.fetchAll(
      database,
      sql: """
        WITH RECURSIVE above(id, depth) AS (
          SELECT id, 0 FROM messages WHERE id = :id AND user = :user
          UNION ALL
          SELECT m.parent, depth + 1 FROM messages m JOIN above ON m.id = above.id
          WHERE m.parent IS NOT NULL AND m.user = :user)
        SELECT messages.* FROM above JOIN messages USING (id) ORDER BY depth DESC
        """,
      arguments: ["id": id, "user": user])
    guard !branch.isEmpty else { throw StoreError.notFound("message") }
    return branch
  }

  /// Keeps a question under `parent` (nil: the start of the conversation).
  package func addQuestion(
    _ content: String, to conversation: String, under parent: String?
  ) async throws -> StoredMessage {
    try await add(to: conversation, under: parent) { id, now in
      (
        """
        INSERT INTO messages (id, conversation, user, parent, role, content, state, created)
        VALUES (?, ?, ?, ?, 'user', ?, 'done', ?)
        """, [id, conversation, user, parent, content, now]
      )
    }
  }

  /// Begins an empty answer to the question `parent`, with what it is made with.
  package func beginAnswer(
    to parent: String, in conversation: String, model: String, version: String? = nil,
    system: String, sampling: SamplingChoice, compared: String? = nil
  ) async throws -> StoredMessage {
    try await add(to: conversation, under: parent) { id, now in
      (
        """
        INSERT INTO messages
          (id, conversation, user, parent, role, content, state, model, version, system, sampling,
            compared, created)
        VALUES (?, ?, ?, ?, 'assistant', '', 'writing', ?, ?, ?, ?, ?, ?)
        """,
        [
          id, conversation, user, parent, model, version, system, encoded(sampling), compared, now,
        ]
      )
    }
  }

  private func add(
    to conversation: String, under parent: String?,
    _ insertion: (_ id: String, _ now: Double) -> (sql: String, arguments: StatementArguments)
  ) async throws -> StoredMessage {
    let id = randomIdentifier()
    let now = secondsSince1970()
    let (sql, arguments) = insertion(id, now)
    return try await database.write { [user] database in
      _ = try Self.conversation(conversation, of: user, database)
      if let parent {
        let above = try Self.message(parent, of: user, database)
        guard above.conversation == conversation else { throw StoreError.notFound("message") }
      }
      try database.execute(sql: sql, arguments: arguments)
      try database.execute(
        sql: "UPDATE conversations SET leaf = ?, changed = ? WHERE id = ? AND user = ?",
        arguments: [id, now, conversation, user])
      return try Self.message(id, of: user, database)
    }
  }

  /// Keeps what an answer has come to. Throws `notFound` when it was deleted meanwhile.
  package func saveAnswer(
    _ id: String, content: String, state: StoredMessage.State, promptTokens: Int, tokens: Int,
    seconds: Double, wait: Double = 0
  ) async throws {
    try await database.write { [user] database in
      try database.execute(
        sql: """
          UPDATE messages SET content = ?, state = ?, prompt_tokens = ?, tokens = ?, seconds = ?,
            wait = ?
          WHERE id = ? AND user = ? AND role = 'assistant'
          """,
        arguments: [content, state.rawValue, promptTokens, tokens, seconds, wait, id, user])
      guard database.changesCount == 1 else { throw StoreError.notFound("message") }
    }
  }

  /// Takes an answer back that could not be begun.
  package func removeAnswer(_ id: String) async throws {
    try await database.write { [user] database in
      let message = try Self.message(id, of: user, database)
      try database.execute(
        sql: "UPDATE conversations SET leaf = ? WHERE leaf = ? AND user = ?",
        arguments: [message.parent, id, user])
      try database.execute(
        sql: "DELETE FROM messages WHERE id = ? AND user = ? AND role = 'assistant'",
        arguments: [id, user])
    }
  }
}
