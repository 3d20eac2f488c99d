import GRDB
import PrimerFiles

/// Users, sessions and links in the store. Every secret is kept as its SHA-256: they are 256
/// random bits, so that a slow hash would add nothing. Passwords are another matter: `PasswordHash`.
extension Store {
  static func hash(_ secret: String) -> String {
    var sum = SHA256()
    sum.update(Array(secret.utf8))
    return sum.hexadecimal
  }

  // MARK: Users

  package func users() async throws -> [User] {
    try await database.read { try User.fetchAll($0, sql: "SELECT * FROM users ORDER BY created") }
  }

  package func user(_ id: User.ID) async throws -> User {
    let found = try await database.read {
      try User.fetchOne($0, sql: "SELECT * FROM users WHERE id = ?", arguments: [id])
    }
    guard let found else { throw StoreError.notFound("user") }
    return found
  }

  /// The one who started the service on this machine: the first administrator, made when there is
  /// none.
  package func owner() async throws -> User {
    try await database.write { database in
      let sql = "SELECT * FROM users WHERE role = 'admin' ORDER BY created LIMIT 1"
      if let owner = try User.fetchOne(database, sql: sql) { return owner }
      let owner = User(
        id: randomIdentifier(), name: "owner", role: .admin, consent: true,
        created: secondsSince1970())
      try Self.insert(owner, password: nil, database)
      return owner
    }
  }

  /// Throws `taken` when there is a user of that name, and `invalid` when it is none.
  package func createUser(name: String, role: User.Role, password: String?) async throws -> User {
    guard (1...100).contains(name.count), !name.contains(where: \.isNewline) else {
      throw StoreError.invalid("a name has 1 to 100 characters, on one line")
    }
    let hash = try await PasswordHash.shared.make(password)
    return try await database.write { database in
      let sql = "SELECT 1 FROM users WHERE name = ?"
      guard try Row.fetchOne(database, sql: sql, arguments: [name]) == nil else {
        throw StoreError.taken(name)
      }
      let user = User(
        id: randomIdentifier(), name: name, role: role, consent: true, created: secondsSince1970())
      try Self.insert(user, password: hash, database)
      return user
    }
  }

  static func insert(_ user: User, password: String?, _ database: Database) throws {
    try database.execute(
      sql: """
        INSERT INTO users (id, name, role, password, consent, created) VALUES (?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        user.id, user.name, user.role.rawValue, password, user.consent, user.created,
      ])
  }

  package func setPassword(_ password: String, of user: User.ID) async throws {
    let hash = try await PasswordHash.shared.make(password)
    try await database.write { database in
      try database.execute(
        sql: "UPDATE users SET password = ? WHERE id = ?", arguments: [hash, user])
      try database.execute(sql: "DELETE FROM sessions WHERE user = ?", arguments: [user])
    }
  }

  package func setConsent(_ consent: Bool, of user: User.ID) async throws {
    try await database.write {
      try $0.execute(
        sql: "UPDATE users SET consent = ? WHERE id = ?", arguments: [consent, user])
    }
  }

  /// Keeps a user out, signing them out everywhere, or lets them in again.
  package func setDisabled(_ disabled: Bool, of user: User.ID) async throws {
    try await database.write { database in
      try database.execute(
        sql: "UPDATE users SET disabled = ? WHERE id = ?", arguments: [disabled, user])
      guard database.changesCount == 1 else { throw StoreError.notFound("user") }
      try database.execute(sql: "DELETE FROM sessions WHERE user = ?", arguments: [user])
    }
  }

  /// With all that is theirs.
  package func deleteUser(_ id: User.ID) async throws {
    try await database.write {
      try $0.execute(sql: "DELETE FROM users WHERE id = ?", arguments: [id])
    }
  }

  /// Nil when the name or the password is wrong; which of them, no one learns, by time neither.
  package func user(named name: String, password: String) async throws -> User? {
    let found = try await database.read { database -> (user: User, password: String?)? in
      let sql = "SELECT * FROM users WHERE name = ?"
      guard let row = try Row.fetchOne(database, sql: sql, arguments: [name]) else { return nil }
      return (try User(row: row), row["password"])
    }
    let fits = try await PasswordHash.shared.matches(password, found?.password)
    return fits && found?.user.disabled == false ? found?.user : nil
  }

  // MARK: Sessions

  package static let sessionSeconds: Double = 30 * 24 * 3600

  /// A new session with a new secret, always: what the browser held before is not taken over.
  package func beginSession(for user: User.ID) async throws -> String {
    let token = randomHexadecimal(bytes: 32)
    let csrf = randomHexadecimal(bytes: 16)
    let now = secondsSince1970()
    try await database.write { database in
      try database.execute(sql: "DELETE FROM sessions WHERE expires < ?", arguments: [now])
      try database.execute(
        sql: "INSERT INTO sessions (hash, user, csrf, created, expires) VALUES (?, ?, ?, ?, ?)",
        arguments: [Self.hash(token), user, csrf, now, now + Self.sessionSeconds])
    }
    return token
  }

  package func session(_ token: String) async throws -> Session? {
    try await database.read { database in
      let sql = """
        SELECT users.*, sessions.csrf FROM sessions JOIN users ON users.id = sessions.user
        WHERE hash = ? AND expires > ? AND NOT disabled
        """
      let arguments: StatementArguments = [Self.hash(token), secondsSince1970()]
      guard let row = try Row.fetchOne(database, sql: sql, arguments: arguments) else { return nil }
      return Session(user: try User(row: row), csrf: row["csrf"])
    }
  }

  package func endSession(_ token: String) async throws {
    try await database.write {
      try $0.execute(sql: "DELETE FROM sessions WHERE hash = ?", arguments: [Self.hash(token)])
    }
  }

  // MARK: Links

  /// A secret that signs `user` in once, within a day.
  package func makeLink(for user: User.ID) async throws -> String {
    let token = randomHexadecimal(bytes: 32)
    try await database.write { database in
      try database.execute(sql: "DELETE FROM links WHERE user = ?", arguments: [user])
      try database.execute(
        sql: "INSERT INTO links (hash, user, expires) VALUES (?, ?, ?)",
        arguments: [Self.hash(token), user, secondsSince1970() + 24 * 3600])
    }
    return token
  }

  /// The user whom the link signs in, once; nil when it is used up, too old, or none.
  package func redeemLink(_ token: String) async throws -> User.ID? {
    try await database.write { database in
      try String.fetchOne(
        database, sql: "DELETE FROM links WHERE hash = ? AND expires > ? RETURNING user",
        arguments: [Self.hash(token), secondsSince1970()])
    }
  }
}
