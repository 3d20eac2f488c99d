package import Foundation
import GRDB
import PrimerFiles
import PrimerGeneration

/// Feedback as data files for tuning, rewards and alignment: what users said who agreed to that, and
/// of conversations that still exist.
package struct FeedbackExport: Sendable {
  private struct Turn: Encodable {
    var role: String
    var content: String
  }

  /// What made an answer; nil where a person wrote it.
  private struct Maker: Encodable {
    var model: String?
    var version: String?
    var sampling: SamplingChoice?

    init(_ answer: StoredMessage) {
      (model, version, sampling) = (answer.model, answer.version, answer.sampling)
    }
  }

  private struct Chat: Encodable {
    var messages: [Turn]
    var maker: Maker?
    var user: String
  }

  private struct Preference: Encodable {
    var prompt: [Turn]
    var chosen: String
    var rejected: String
    var chosenMaker: Maker?
    var rejectedMaker: Maker?
    var user: String

    private enum CodingKeys: String, CodingKey {
      case prompt, chosen, rejected, user
      case chosenMaker = "chosen_maker"
      case rejectedMaker = "rejected_maker"
    }
  }

  private struct Ranking: Encodable {
    var prompt: [Turn]
    var answers: [String]
    /// Indices into `answers`, best first.
    var ranking: [Int]
    /// Of each of `answers`.
    var makers: [Maker]
    var user: String
  }

  /// An answer that somebody found good or bad by itself: a thumb, or one of two in a vote for neither.
  private struct Rating: Encodable {
    var prompt: [Turn]
    var answer: String
    var good: Bool
    var reason: String?
    var maker: Maker
    var user: String
  }

  private var chats: [Chat] = []
  private var preferences: [Preference] = []
  private var rankings: [Ranking] = []
  private var ratings: [Rating] = []

  package var examples: Int {
    chats.count + preferences.count + rankings.count + ratings.count
  }

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
    let prompt = Product.messages(branch.dropLast(), under: answer.system ?? "").map {
      Turn(role: $0.role, content: $0.content)
    }
    let who = Self.pseudonym(user)
    func keep(_ text: String, by maker: Maker?) {
      chats.append(
        Chat(
          messages: prompt + [Turn(role: "assistant", content: text)], maker: maker, user: who))
    }
    func prefer(_ chosen: StoredMessage, to rejected: StoredMessage) {
      preferences.append(
        Preference(
          prompt: prompt, chosen: chosen.content, rejected: rejected.content,
          chosenMaker: Maker(chosen), rejectedMaker: Maker(rejected), user: who))
    }
    func rate(_ answer: StoredMessage, good: Bool, reason: String = "") {
      ratings.append(
        Rating(
          prompt: prompt, answer: answer.content, good: good,
          reason: reason.isEmpty ? nil : reason, maker: Maker(answer), user: who))
    }
    switch value {
    case .thumb(let isGood, let reason):
      rate(answer, good: isGood, reason: reason)
      if isGood { keep(answer.content, by: Maker(answer)) }
    case .better(let text):
      keep(text, by: nil)
      preferences.append(
        Preference(
          prompt: prompt, chosen: text, rejected: answer.content, chosenMaker: nil,
          rejectedMaker: Maker(answer), user: who))
    case .vote(let other, let choice):
      let other = try OwnedStore.message(other, of: user, database)
      switch choice {
      case .left: prefer(answer, to: other)
      case .right: prefer(other, to: answer)
      case .tie, .bothBad: for one in [answer, other] { rate(one, good: choice == .tie) }
      }
    case .ranking(let best):
      let answers = try best.map { try OwnedStore.message($0, of: user, database) }
      rankings.append(
        Ranking(
          prompt: prompt, answers: answers.map(\.content), ranking: Array(best.indices),
          makers: answers.map { Maker($0) }, user: who))
    }
  }

  /// Tells users apart, for de-duplication and outliers, without naming them.
  private static func pseudonym(_ user: User.ID) -> String { String(Store.hash(user).prefix(12)) }

  /// Writes `chat.jsonl`, `preferences.jsonl`, `rankings.jsonl` and `ratings.jsonl`.
  package func write(to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    func write(_ lines: [some Encodable], _ name: String) throws {
      let text = lines.map { encoded($0) + "\n" }.joined()
      try Data(text.utf8).write(to: folder.appendingPathComponent(name), options: .atomic)
    }
    try write(chats, "chat.jsonl")
    try write(preferences, "preferences.jsonl")
    try write(rankings, "rankings.jsonl")
    try write(ratings, "ratings.jsonl")
  }
}
