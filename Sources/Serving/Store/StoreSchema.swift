import GRDB

/// The tables, and how an older store becomes a newer one. A migration that was released never
/// changes; a new one is added below it.
enum StoreSchema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("accounts") { try $0.execute(sql: accounts) }
    migrator.registerMigration("conversations") { try $0.execute(sql: conversations) }
    migrator.registerMigration("feedback") { try $0.execute(sql: feedback) }
    migrator.registerMigration("refusals") { try $0.execute(sql: refusals) }
    migrator.registerMigration("disabled accounts") {
      try $0.execute(sql: "ALTER TABLE users ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0")
    }
    migrator.registerMigration("first tokens and comparisons") {
      try $0.execute(
        sql: """
          ALTER TABLE messages ADD COLUMN wait REAL NOT NULL DEFAULT 0;
          ALTER TABLE messages ADD COLUMN version TEXT;
          ALTER TABLE messages ADD COLUMN compared TEXT;
          """)
    }
    return migrator
  }

  private static let accounts = """
    CREATE TABLE users (
      id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
      role TEXT NOT NULL CHECK (role IN ('user', 'admin')), password TEXT,
      consent INTEGER NOT NULL DEFAULT 1, created REAL NOT NULL) STRICT;
    CREATE TABLE identities (
      issuer TEXT NOT NULL, subject TEXT NOT NULL,
      user TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
      PRIMARY KEY (issuer, subject)) STRICT, WITHOUT ROWID;
    CREATE TABLE sessions (
      hash TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
      csrf TEXT NOT NULL, created REAL NOT NULL, expires REAL NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE links (
      hash TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
      expires REAL NOT NULL) STRICT, WITHOUT ROWID;
    """

  /// The user's id stands in every row, and the foreign keys carry it along, so that not even a
  /// wrong query can hang a message under somebody else's conversation.
  private static let conversations = """
    CREATE TABLE conversations (
      id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
      title TEXT NOT NULL, system TEXT NOT NULL, model TEXT NOT NULL, sampling TEXT NOT NULL,
      leaf TEXT, created REAL NOT NULL, changed REAL NOT NULL, UNIQUE (id, user)) STRICT;
    CREATE INDEX conversations_of_user ON conversations(user, changed);
    CREATE TABLE messages (
      id TEXT PRIMARY KEY, conversation TEXT NOT NULL, user TEXT NOT NULL, parent TEXT,
      role TEXT NOT NULL CHECK (role IN ('user', 'assistant')), content TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('writing', 'done', 'length', 'stopped', 'failed')),
      model TEXT, system TEXT, sampling TEXT, prompt_tokens INTEGER NOT NULL DEFAULT 0,
      tokens INTEGER NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0, created REAL NOT NULL,
      UNIQUE (id, conversation), UNIQUE (id, user),
      FOREIGN KEY (conversation, user) REFERENCES conversations(id, user) ON DELETE CASCADE,
      FOREIGN KEY (parent, conversation) REFERENCES messages(id, conversation) ON DELETE CASCADE
    ) STRICT;
    CREATE INDEX messages_of_conversation ON messages(conversation, created);
    CREATE INDEX messages_under_parent ON messages(parent, conversation);
    CREATE INDEX messages_by_time ON messages(created);
    """

  /// A constraint is changed by making the table again: https://sqlite.org/lang_altertable.html, 7.
  private static let refusals = """
    CREATE TABLE new_messages (
      id TEXT PRIMARY KEY, conversation TEXT NOT NULL, user TEXT NOT NULL, parent TEXT,
      role TEXT NOT NULL CHECK (role IN ('user', 'assistant')), content TEXT NOT NULL,
      state TEXT NOT NULL
        CHECK (state IN ('writing', 'done', 'length', 'stopped', 'failed', 'refused')),
      model TEXT, system TEXT, sampling TEXT, prompt_tokens INTEGER NOT NULL DEFAULT 0,
      tokens INTEGER NOT NULL DEFAULT 0, seconds REAL NOT NULL DEFAULT 0, created REAL NOT NULL,
      UNIQUE (id, conversation), UNIQUE (id, user),
      FOREIGN KEY (conversation, user) REFERENCES conversations(id, user) ON DELETE CASCADE,
      FOREIGN KEY (parent, conversation) REFERENCES messages(id, conversation) ON DELETE CASCADE
    ) STRICT;
    INSERT INTO new_messages SELECT * FROM messages;
    DROP TABLE messages;
    ALTER TABLE new_messages RENAME TO messages;
    CREATE INDEX messages_of_conversation ON messages(conversation, created);
    CREATE INDEX messages_under_parent ON messages(parent, conversation);
    CREATE INDEX messages_by_time ON messages(created);
    """

  private static let feedback = """
    CREATE TABLE feedback (
      id TEXT PRIMARY KEY, user TEXT NOT NULL, message TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('thumb', 'vote', 'ranking', 'better')),
      value TEXT NOT NULL, created REAL NOT NULL, UNIQUE (user, message, kind),
      FOREIGN KEY (message, user) REFERENCES messages(id, user) ON DELETE CASCADE) STRICT;
    CREATE TABLE flags (
      id TEXT PRIMARY KEY, user TEXT NOT NULL, message TEXT NOT NULL,
      categories TEXT NOT NULL, refused INTEGER NOT NULL,
      state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'upheld', 'dismissed')),
      created REAL NOT NULL,
      FOREIGN KEY (message, user) REFERENCES messages(id, user) ON DELETE CASCADE) STRICT;
    CREATE INDEX feedback_on_message ON feedback(message);
    CREATE INDEX flags_on_message ON flags(message);
    CREATE INDEX flags_by_state ON flags(state, created);
    """
}
