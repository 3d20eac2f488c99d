import GRDB

extension Store {
  /// The account that `identity` signs in to, made at its first time; nil if it is disabled. An
  /// account is found by issuer and subject, never by an e-mail address or a name: those are lent.
  func user(of identity: OpenIDIdentity) async throws -> User? {
    try await database.write { database in
      let sql = """
        SELECT users.* FROM users JOIN identities ON users.id = identities.user
        WHERE issuer = ? AND subject = ?
        """
      let arguments: StatementArguments = [identity.issuer, identity.subject]
      if var user = try User.fetchOne(database, sql: sql, arguments: arguments) {
        if user.disabled { return nil }
        if identity.isAdministrator && user.role != .admin {
          user.role = .admin
          try database.execute(
            sql: "UPDATE users SET role = 'admin' WHERE id = ?", arguments: [user.id])
        }
        return user
      }
      let user = User(
        id: randomIdentifier(), name: try Self.freeName(identity.name, database),
        role: identity.isAdministrator ? .admin : .user, consent: true,
        created: secondsSince1970())
      try Self.insert(user, password: nil, database)
      try database.execute(
        sql: "INSERT INTO identities (issuer, subject, user) VALUES (?, ?, ?)",
        arguments: [identity.issuer, identity.subject, user.id])
      return user
    }
  }

  /// A name on one line that nobody has: `wanted`, or `wanted` with a number.
  private static func freeName(_ wanted: String, _ database: Database) throws -> String {
    let line = wanted.filter { !$0.isNewline && !$0.unicodeScalars.contains { $0.value < 32 } }
    let base = line.isEmpty ? "user" : String(line.prefix(80))
    for number in 1... {
      let name = number == 1 ? base : "\(base) \(number)"
      let sql = "SELECT 1 FROM users WHERE name = ?"
      if try Row.fetchOne(database, sql: sql, arguments: [name]) == nil { return name }
    }
    preconditionFailure("numbers do not end")
  }
}
