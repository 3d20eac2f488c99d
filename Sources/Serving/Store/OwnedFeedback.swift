import GRDB

/// What a user says of an answer.
package enum FeedbackValue: Sendable, Equatable {
  case thumb(up: Bool, reason: String)
  /// Of two answers to one question: `message` is the left one.
  case vote(other: String, choice: Choice)
  /// Best first, `message` among them.
  case ranking(best: [String])
  /// What the answer should have been.
  case better(text: String)

  package enum Choice: String, Sendable, Codable, CaseIterable {
    case left, right, tie, bothBad
  }

  package var kind: String {
    switch self {
    case .thumb: "thumb"
    case .vote: "vote"
    case .ranking: "ranking"
    case .better: "better"
    }
  }
}

/// As it is sent and kept: `kind`, and the fields that the kind has.
extension FeedbackValue: Codable {
  private enum Field: String, CodingKey {
    case kind, up, reason, other, choice, best, text
  }

  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Field.self)
    switch try fields.decode(String.self, forKey: .kind) {
    case "thumb":
      self = .thumb(
        up: try fields.decode(Bool.self, forKey: .up),
        reason: try fields.decodeIfPresent(String.self, forKey: .reason) ?? "")
    case "vote":
      self = .vote(
        other: try fields.decode(String.self, forKey: .other),
        choice: try fields.decode(Choice.self, forKey: .choice))
    case "ranking": self = .ranking(best: try fields.decode([String].self, forKey: .best))
    case "better": self = .better(text: try fields.decode(String.self, forKey: .text))
    case let other:
      throw DecodingError.dataCorruptedError(
        forKey: .kind, in: fields, debugDescription: "\"\(other)\" is no kind of feedback")
    }
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Field.self)
    try fields.encode(kind, forKey: .kind)
    switch self {
    case .thumb(let up, let reason):
      try fields.encode(up, forKey: .up)
      try fields.encode(reason, forKey: .reason)
    case .vote(let other, let choice):
      try fields.encode(other, forKey: .other)
      try fields.encode(choice, forKey: .choice)
    case .ranking(let best): try fields.encode(best, forKey: .best)
    case .better(let text): try fields.encode(text, forKey: .text)
    }
  }
}

package struct StoredFeedback: Sendable, Codable {
  package var message: String
  package var value: FeedbackValue
}

extension OwnedStore {
  /// Keeps what the user says of `message`; a later word of the same kind takes its place. The
  /// answers that a vote or a ranking compares must answer one question.
  package func give(_ value: FeedbackValue, on message: String) async throws {
    try await database.write { [user] database in
      let answer = try Self.message(message, of: user, database)
      guard answer.role == .assistant else {
        throw StoreError.invalid("feedback is about answers, not questions")
      }
      for other in Self.compared(in: value) {
        let sibling = try Self.message(other, of: user, database)
        guard sibling.parent == answer.parent, sibling.role == .assistant else {
          throw StoreError.invalid("the answers compared must be answers to one question")
        }
      }
      if case .ranking(let best) = value {
        guard (2...5).contains(best.count), Set(best).count == best.count, best.contains(message)
        else { throw StoreError.invalid("a ranking orders 2 to 5 different answers") }
      }
      try database.execute(
        sql: """
          INSERT INTO feedback (id, user, message, kind, value, created) VALUES (?, ?, ?, ?, ?, ?)
          ON CONFLICT (user, message, kind) DO UPDATE SET value = excluded.value,
            created = excluded.created
          """,
        arguments: [
          randomIdentifier(), user, message, value.kind, encoded(value), secondsSince1970(),
        ])
    }
  }

  private static func compared(in value: FeedbackValue) -> [String] {
    switch value {
    case .thumb, .better: []
    case .vote(let other, _): [other]
    case .ranking(let best): best
    }
  }

  package func withdrawFeedback(_ kind: String, on message: String) async throws {
    try await database.write { [user] database in
      try database.execute(
        sql: "DELETE FROM feedback WHERE user = ? AND message = ? AND kind = ?",
        arguments: [user, message, kind])
    }
  }

  package func feedback(in conversation: String) async throws -> [StoredFeedback] {
    try await database.read { [user] database in
      try Row.fetchAll(
        database,
        sql: """
          SELECT f.message, f.value FROM feedback f JOIN messages m ON m.id = f.message
          WHERE f.user = ? AND m.conversation = ?
          """, arguments: [user, conversation]
      ).compactMap { row in
        decoded(row["value"]).map { StoredFeedback(message: row["message"], value: $0) }
      }
    }
  }
}
