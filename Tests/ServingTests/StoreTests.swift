import Foundation
import GRDB
import PrimerFiles
import TestSupport
import Testing

@testable import PrimerServing

@Suite struct StoreTests {
  let folder: TemporaryFolder
  let store: Store

  init() throws {
    folder = try TemporaryFolder()
    store = try Store(folder: folder.url)
  }

  private func user(_ name: String) async throws -> User {
    try await store.createUser(name: name, role: .user, password: nil)
  }

  @Test("a conversation is a tree, and a branch is read from its leaf")
  func branches() async throws {
    let mine = store.owned(by: try await user("ann").id)
    let talk = try await mine.createConversation(model: "m").id
    let first = try await mine.addQuestion("one", to: talk, under: nil)
    let left = try await mine.beginAnswer(
      to: first.id, in: talk, model: "m", system: "", sampling: .init())
    let right = try await mine.beginAnswer(
      to: first.id, in: talk, model: "m", system: "", sampling: .init())
    let next = try await mine.addQuestion("two", to: talk, under: left.id)
    #expect(try await mine.branch(to: next.id).map(\.id) == [first.id, left.id, next.id])
    #expect(try await mine.branch(to: right.id).map(\.id) == [first.id, right.id])
    #expect(try await mine.messages(of: talk).count == 4)
  }

  @Test("IDOR: nothing of another user's can be read, changed, branched from or deleted")
  func ownership() async throws {
    let (ann, bob) = (try await user("ann"), try await user("bob"))
    let (mine, theirs) = (store.owned(by: ann.id), store.owned(by: bob.id))
    let talk = try await mine.createConversation(title: "secret", model: "m").id
    let question = try await mine.addQuestion("secret", to: talk, under: nil)
    let answer = try await mine.beginAnswer(
      to: question.id, in: talk, model: "m", system: "", sampling: .init())
    let own = try await theirs.createConversation(model: "m").id
    let missing = StoreError.notFound("conversation")
    await #expect(throws: missing) { try await theirs.conversation(talk) }
    await #expect(throws: missing) { try await theirs.messages(of: talk) }
    await #expect(throws: missing) { try await theirs.updateConversation(talk, title: "x") }
    await #expect(throws: missing) { try await theirs.deleteConversation(talk) }
    await #expect(throws: missing) { try await theirs.addQuestion("x", to: talk, under: nil) }
    let noMessage = StoreError.notFound("message")
    await #expect(throws: noMessage) { try await theirs.branch(to: answer.id) }
    await #expect(throws: noMessage) {
      try await theirs.addQuestion("x", to: own, under: answer.id)
    }
    await #expect(throws: noMessage) { try await theirs.updateConversation(own, leaf: answer.id) }
    await #expect(throws: noMessage) {
      try await theirs.saveAnswer(
        answer.id, content: "x", state: .done, promptTokens: 0, tokens: 0, seconds: 0)
    }
    await #expect(throws: noMessage) {
      try await theirs.give(.thumb(up: false, reason: ""), on: answer.id)
    }
    await #expect(throws: noMessage) {
      try await theirs.flag(answer.id, categories: [:], refused: false)
    }
    #expect(try await theirs.conversations(search: "secret").isEmpty)
    #expect(try await mine.conversation(talk).title == "secret")
  }

  @Test("not even SQL that forgets the user hangs a message under another's conversation")
  func foreignKeys() async throws {
    let (ann, bob) = (try await user("ann"), try await user("bob"))
    let talk = try await store.owned(by: ann.id).createConversation(model: "m").id
    await #expect(throws: DatabaseError.self) {
      try await store.database.write {
        try $0.execute(
          sql: """
            INSERT INTO messages (id, conversation, user, role, content, state, created)
            VALUES ('x', ?, ?, 'user', '', 'done', 0)
            """, arguments: [talk, bob.id])
      }
    }
  }

  @Test("a search finds titles and messages, and takes % and _ as they are")
  func search() async throws {
    let mine = store.owned(by: try await user("ann").id)
    let talk = try await mine.createConversation(title: "Tides", model: "m").id
    _ = try await mine.addQuestion("a discount of 50% off", to: talk, under: nil)
    _ = try await mine.createConversation(title: "Other", model: "m")
    #expect(try await mine.conversations(search: "tide").map(\.id) == [talk])
    #expect(try await mine.conversations(search: "50%").map(\.id) == [talk])
    #expect(try await mine.conversations(search: "5_%").isEmpty)
    #expect(try await mine.conversations().count == 2)
  }

  @Test("a backup of a store in use holds what was acknowledged, and opens")
  func backup() async throws {
    let mine = store.owned(by: try await user("ann").id)
    let talk = try await mine.createConversation(title: "kept", model: "m").id
    let place = folder.url.appending(path: "restored")
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    let file = place.appending(path: Store.fileName)
    try Store.backup(folder: folder.url, to: file)
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path) == [Store.fileName])
    let restored = try Store(existing: place)
    #expect(try await restored.owned(by: mine.user).conversation(talk).title == "kept")
  }

  @Test("a backup replaces an older one, but neither the store nor what is no plain file")
  func backupInTheWay() throws {
    let place = folder.url.appending(path: "copy")
    try Store.backup(folder: folder.url, to: place)
    try Store.backup(folder: folder.url, to: place)
    let (link, pipe) = (folder.url.appending(path: "link"), folder.url.appending(path: "pipe"))
    try FileManager.default.createSymbolicLink(at: link, withDestinationURL: place)
    #expect(mkfifo(pipe.path, 0o600) == 0)
    let store = folder.url.appending(path: Store.fileName)
    let hard = folder.url.appending(path: "hard")
    try FileManager.default.linkItem(at: store, to: hard)
    let log = folder.url.appending(path: Store.fileName + "-wal")
    let before = try folder.contents
    for file in [link, pipe, store, hard, log, folder.url] {
      #expect(throws: FileError.self) { try Store.backup(folder: folder.url, to: file) }
    }
    #expect(try folder.contents == before)
  }

  @Test("a folder without a store is missing, for backups and exports")
  func missing() throws {
    let empty = try TemporaryFolder()
    #expect(throws: StoreError.missing(path: empty.url.path)) { try Store(existing: empty.url) }
  }

  @Test("an answer that nobody writes any more is stopped, and keeps its text")
  func unfinished() async throws {
    let mine = store.owned(by: try await user("ann").id)
    let talk = try await mine.createConversation(model: "m").id
    let question = try await mine.addQuestion("q", to: talk, under: nil)
    let answer = try await mine.beginAnswer(
      to: question.id, in: talk, model: "m", system: "", sampling: .init())
    try await mine.saveAnswer(
      answer.id, content: "half", state: .writing, promptTokens: 1, tokens: 1, seconds: 1)
    try await store.endUnfinishedAnswers()
    let kept = try await mine.message(answer.id)
    #expect(kept.state == .stopped && kept.content == "half")
  }
}

@Suite struct FeedbackTests {
  let folder: TemporaryFolder
  let store: Store

  init() throws {
    folder = try TemporaryFolder()
    store = try Store(folder: folder.url)
  }

  /// A question with finished answers of these texts.
  private func answered(_ texts: [String], by name: String) async throws -> (
    mine: OwnedStore, talk: String, answers: [String]
  ) {
    let user = try await store.createUser(name: name, role: .user, password: nil)
    let mine = store.owned(by: user.id)
    let talk = try await mine.createConversation(system: "Be kind.", model: "m").id
    let question = try await mine.addQuestion("question", to: talk, under: nil)
    var answers: [String] = []
    for text in texts {
      let answer = try await mine.beginAnswer(
        to: question.id, in: talk, model: "m", version: "v", system: "Be kind.",
        sampling: SamplingChoice(temperature: 0.5, seed: 7 + answers.count))
      try await mine.saveAnswer(
        answer.id, content: text, state: .done, promptTokens: 1, tokens: 1, seconds: 1)
      answers.append(answer.id)
    }
    return (mine, talk, answers)
  }

  private func exported() async throws -> [String: [[String: Any]]] {
    let target = folder.url.appending(path: "export")
    try await FeedbackExport(store).write(to: target)
    var all: [String: [[String: Any]]] = [:]
    for name in ["chat", "preferences", "rankings", "ratings"] {
      let text = try String(
        contentsOf: target.appending(path: name + ".jsonl"), encoding: .utf8)
      all[name] = try text.split(separator: "\n").map {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as! [String: Any]
      }
    }
    return all
  }

  @Test("feedback becomes chats, preferences and rankings, with prompt, model and sampling")
  func export() async throws {
    let (mine, _, answers) = try await answered(["a", "b", "c"], by: "ann")
    try await mine.give(.thumb(up: true, reason: "clear"), on: answers[0])
    try await mine.give(.vote(other: answers[1], choice: .right), on: answers[0])
    try await mine.give(.ranking(best: [answers[2], answers[0], answers[1]]), on: answers[2])
    try await mine.give(.better(text: "best"), on: answers[1])
    let all = try await exported()
    #expect(all["chat"]?.count == 2)
    let turns = all["chat"]![0]["messages"] as! [[String: String]]
    #expect(turns.map { $0["role"]! } == ["system", "user", "assistant"])
    #expect(all["chat"]!.map { Self.seed($0["maker"]) } == [7, nil])
    #expect(all["chat"]!.allSatisfy { $0["user"] as? String == all["chat"]![0]["user"] as? String })
    let pairs = all["preferences"]!.map { [$0["chosen"] as! String, $0["rejected"] as! String] }
    #expect(pairs == [["b", "a"], ["best", "b"]])
    #expect(all["preferences"]!.map { Self.seed($0["chosen_maker"]) } == [8, nil])
    #expect(all["preferences"]!.map { Self.seed($0["rejected_maker"]) } == [7, 8])
    #expect(all["rankings"]![0]["answers"] as? [String] == ["c", "a", "b"])
    #expect(all["rankings"]![0]["ranking"] as? [Int] == [0, 1, 2])
    #expect((all["rankings"]![0]["makers"] as! [Any]).map { Self.seed($0) } == [9, 7, 8])
    #expect(all["ratings"]!.map { $0["reason"] as? String } == ["clear"])
  }

  /// The seed of what made an answer, where a model of that version did.
  private static func seed(_ maker: Any?) -> Int? {
    guard let maker = maker as? [String: Any], maker["model"] as? String == "m",
      maker["version"] as? String == "v"
    else { return nil }
    return (maker["sampling"] as? [String: Any])?["seed"] as? Int
  }

  @Test("thumbs are ratings, good or bad, with their reason; a vote for both or neither is two")
  func ratings() async throws {
    let (mine, _, answers) = try await answered(["a", "b", "c", "d"], by: "ann")
    try await mine.give(.thumb(up: false, reason: "dull"), on: answers[0])
    try await mine.give(.vote(other: answers[2], choice: .tie), on: answers[1])
    try await mine.give(.vote(other: answers[1], choice: .bothBad), on: answers[3])
    let all = try await exported()
    #expect(all["chat"]!.isEmpty && all["preferences"]!.isEmpty)
    let ratings = all["ratings"]!.map { "\($0["answer"]!) \($0["good"]!) \($0["reason"] ?? "-")" }
    #expect(ratings == ["a 0 dull", "b 1 -", "c 1 -", "d 0 -", "b 0 -"])
    #expect(Self.seed(all["ratings"]![0]["maker"]) == 7)
  }

  @Test("feedback of who does not agree, or of what was deleted, is not exported")
  func consent() async throws {
    let (ann, _, hers) = try await answered(["a"], by: "ann")
    let (bob, talk, his) = try await answered(["b"], by: "bob")
    try await ann.give(.thumb(up: true, reason: ""), on: hers[0])
    try await bob.give(.thumb(up: true, reason: ""), on: his[0])
    #expect(try await FeedbackExport(store).examples == 4)
    try await store.setConsent(false, of: ann.user)
    #expect(try await FeedbackExport(store).examples == 2)
    try await bob.deleteConversation(talk)
    #expect(try await FeedbackExport(store).examples == 0)
  }

  @Test("a vote compares answers to one question only, and a ranking orders all different ones")
  func comparisons() async throws {
    let (mine, _, answers) = try await answered(["a", "b"], by: "ann")
    let (_, _, others) = try await answered(["c"], by: "bob")
    await #expect(throws: StoreError.self) {
      try await mine.give(.vote(other: others[0], choice: .left), on: answers[0])
    }
    await #expect(throws: StoreError.self) {
      try await mine.give(.ranking(best: [answers[0], answers[0]]), on: answers[0])
    }
  }

  @Test("a later word of the same kind takes the place of the first")
  func latest() async throws {
    let (mine, talk, answers) = try await answered(["a"], by: "ann")
    try await mine.give(.thumb(up: true, reason: ""), on: answers[0])
    try await mine.give(.thumb(up: false, reason: "wrong"), on: answers[0])
    let said = try await mine.feedback(in: talk)
    #expect(said.map(\.value) == [.thumb(up: false, reason: "wrong")])
  }
}
