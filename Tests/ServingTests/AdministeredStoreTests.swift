import Foundation
import GRDB
import TestSupport
import Testing

@testable import PrimerServing

@Suite struct AdministeredStoreTests {
  let folder: TemporaryFolder
  let store: Store

  init() throws {
    folder = try TemporaryFolder()
    store = try Store(folder: folder.url)
  }

  private func administered() async throws -> AdministeredStore {
    store.administered(by: try await store.owner())!
  }

  /// An answer begun `start` seconds after 1970-01-02 that took as many seconds.
  private func answer(
    by name: String, at start: Double, seconds: Double, wait: Double = 0, tokens: Int = 10,
    model: String = "m", version: String? = "v", state: StoredMessage.State = .done
  ) async throws -> (mine: OwnedStore, id: String) {
    let known = try await store.users().first { $0.name == name }
    let user: User
    if let known {
      user = known
    } else {
      user = try await store.createUser(name: name, role: .user, password: nil)
    }
    let mine = store.owned(by: user.id)
    let talk = try await mine.createConversation(model: model).id
    let question = try await mine.addQuestion("question", to: talk, under: nil)
    let answer = try await mine.beginAnswer(
      to: question.id, in: talk, model: model, version: version, system: "", sampling: .init())
    try await mine.saveAnswer(
      answer.id, content: "", state: state, promptTokens: 3, tokens: tokens, seconds: seconds,
      wait: wait)
    try await store.database.write {
      try $0.execute(
        sql: "UPDATE messages SET created = ? WHERE id = ?",
        arguments: [86400 + start, answer.id])
    }
    return (mine, answer.id)
  }

  @Test("a machine is at work while at least one answer is made, however many are")
  func busy() async throws {
    _ = try await answer(by: "ann", at: 0, seconds: 10)
    _ = try await answer(by: "ann", at: 2, seconds: 3)
    _ = try await answer(by: "bob", at: 8, seconds: 7)
    _ = try await answer(by: "bob", at: 100, seconds: 1)
    _ = try await answer(by: "bob", at: 86400, seconds: 5)
    let all = try await administered()
    #expect(try await all.busySeconds() == 21)
    let days = try await all.days()
    #expect(days.map(\.day) == ["1970-01-02", "1970-01-03"])
    #expect(days.map(\.busySeconds) == [16, 5] && days.map(\.answers) == [4, 1])
    #expect(days[0].tokens == 40 && days[0].promptTokens == 12)
    let people = try await all.people().filter { $0.name != "owner" }
    #expect(people.map(\.seconds) == [13, 13] && people.map(\.conversations) == [2, 3])
  }

  @Test("answers count for the version of the model that made them, refused questions for none")
  func versions() async throws {
    let (mine, first) = try await answer(by: "ann", at: 0, seconds: 6, wait: 1, version: "old")
    try await mine.give(.thumb(up: false, reason: ""), on: first)
    let (_, second) = try await answer(by: "ann", at: 9, seconds: 3, wait: 1)
    try await mine.give(.thumb(up: true, reason: ""), on: second)
    _ = try await answer(by: "ann", at: 20, seconds: 1, wait: 1)
    _ = try await answer(by: "ann", at: 30, seconds: 0, tokens: 0, version: nil, state: .refused)
    let all = try await administered()
    let models = try await all.models()
    #expect(models.map(\.version) == ["v", "old"] && models.map(\.answers) == [2, 1])
    #expect(models.map(\.writingSeconds) == [2, 5])
    #expect(models.map(\.thumbsUp) == [1, 0] && models.map(\.thumbsDown) == [0, 1])
    let days = try await all.days()
    #expect(days.map(\.wait) == [1] && days.map(\.answers) == [3])
    #expect(days.map(\.thumbsUp) == [1] && days.map(\.thumbsDown) == [1])
    let counts = try await all.feedbackCounts()
    #expect(counts["thumb"] == 2 && counts["thumbUp"] == 1 && counts["thumbDown"] == 1)
  }
}
