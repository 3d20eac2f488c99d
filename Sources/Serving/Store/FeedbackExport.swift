package import Foundation
import GRDB
import PrimerFiles

/// Feedback as data files for tuning, rewards and alignment: what users said who agreed to that, and
/// of conversations that still exist.
package struct FeedbackExport: Sendable {
  private struct Turn: Encodable {
    var role: String
    var content: String
  }

  private struct Chat: Encodable {
    var messages: [Turn]
    var model: String?
    var sampling: SamplingChoice?
  }

  private struct Preference: Encodable {
    var prompt: [Turn]
    var chosen: String
    var rejected: String
    var model: String?
    var sampling: SamplingChoice?
    var user: String
  }

  private struct Ranking: Encodable {
    var prompt: [Turn]
    var answers: [String]
    /// Indices into `answers`, best first.
    var ranking: [Int]
    var model: String?
    var user: String
  }

  private var chats: [Chat] = []
  private var preferences: [Preference] = []
  private var rankings: [Ranking] = []

  package var examples: Int { chats.count + preferences.count + rankings.count }

  package init(_ store: Store) async throws {
    self = try await store.database.read { database in
      var export = FeedbackExport()
      let said = try Row.fetchAll(
        database,
        sql: """
          SELECT f.user, f.message, f.value FROM feedback f JOIN users u ON u.id = f.user
          WHERE u.consent ORDER BY f.created, f.id
          """)
      for row in said {
        guard let value: FeedbackValue = decoded(row["value"]) else { continue }
        try export.add(value, on: row["message"], of: row["user"], database)
      }
      return export
    }
  }

  private init() {}

  private mutating func add(
    _ value: FeedbackValue, on id: String, of user: User.ID, _ database: Database
  ) throws {
    let branch = try OwnedStore.branch(to: id, of: user, database)
    guard let answer = branch.last else { return }
    let system =
      (answer.system ?? "").isEmpty ? [] : [Turn(role: "system", content: answer.system!)]
    let prompt =
      system + branch.dropLast().map { Turn(role: $0.role.rawValue, content: $0.content) }
    func content(_ other: String) throws -> String {
      try OwnedStore.message(other, of: user, database).content
    }
    func prefer(_ chosen: String, to rejected: String) {
      preferences.append(
        Preference(
          prompt: prompt, chosen: chosen, rejected: rejected, model: answer.model,
          sampling: answer.sampling, user: Self.pseudonym(user)))
    }
    switch value {
    case .thumb(up: true, _): keep(prompt, answer.content, answer)
    case .thumb(up: false, _): break
    case .better(let text):
      keep(prompt, text, answer)
      prefer(text, to: answer.content)
    case .vote(let other, .left): prefer(answer.content, to: try content(other))
    case .vote(let other, .right): prefer(try content(other), to: answer.content)
    case .vote(_, .tie), .vote(_, .bothBad): break
    case .ranking(let best):
      rankings.append(
        Ranking(
          prompt: prompt, answers: try best.map(content), ranking: Array(best.indices),
          model: answer.model, user: Self.pseudonym(user)))
    }
  }

  private mutating func keep(_ prompt: [Turn], _ text: String, _ answer: StoredMessage) {
    chats.append(
      Chat(
        messages: prompt + [Turn(role: "assistant", content: text)], model: answer.model,
        sampling: answer.sampling))
  }

  /// Tells users apart, for de-duplication and outliers, without naming them.
  private static func pseudonym(_ user: User.ID) -> String { String(Store.hash(user).prefix(12)) }

  /// Writes `chat.jsonl`, `preferences.jsonl` and `rankings.jsonl`.
  package func write(to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    func write(_ lines: [some Encodable], _ name: String) throws {
      let text = lines.map { encoded($0) + "\n" }.joined()
      try Data(text.utf8).write(to: folder.appendingPathComponent(name), options: .atomic)
    }
    try write(chats, "chat.jsonl")
    try write(preferences, "preferences.jsonl")
    try write(rankings, "rankings.jsonl")
  }
}
