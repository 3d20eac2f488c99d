import Foundation
import HTTPTypes
import PrimerGeneration
import TestSupport
import Testing

@testable import PrimerServing

@Suite struct ProductTests {
  @Test("a question is kept before it is answered, and names the conversation")
  func asking() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    let (question, answers) = try await ann.ask("How do tides work?", in: talk)
    let whole: Product.WholeConversation =
      try await ann.send(.get, "/api/conversations/\(talk)").decoded()
    #expect(whole.conversation.title == "How do tides work?")
    #expect(whole.messages.map(\.id) == [question, answers[0]])
    #expect(harness.source.requests[0].messages.map(\.content) == ["How do tides work?"])
  }

  @Test("an answer goes on without readers, and is read on from any place")
  func resuming() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let (_, answers) = try await ann.ask("hello", in: try await ann.converse())
    harness.source.tell([
      .text("Grüße, ", tokens: 1), .text("🌍!", tokens: 2),
      .finished(.done, promptTokens: 3, tokens: 2),
    ])
    let whole = try await ann.send(.get, "/api/streams/\(answers[0])")
    #expect(whole.text.contains("event: done") && whole.text.contains("id: 10"))
    let rest = try await ann.send(.get, "/api/streams/\(answers[0])?from=7")
    #expect(rest.text.contains("\"text\":\"🌍!\""))
    let kept = try await harness.store.owned(by: ann.user.id).message(answers[0])
    #expect(kept.content == "Grüße, 🌍!" && kept.state == .done && kept.promptTokens == 3)
  }

  @Test("stopping keeps what was written, and lets the engine go")
  func stopping() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let (_, answers) = try await ann.ask("hello", in: try await ann.converse())
    harness.source.tell([.text("Once upon", tokens: 2)])
    while await harness.product.live.slice(of: answers[0], for: ann.user.id, from: 0)?.end == 0 {
      await Task.yield()
    }
    #expect(try await ann.send(.delete, "/api/streams/\(answers[0])").status == 204)
    let kept = try await harness.store.owned(by: ann.user.id).message(answers[0])
    #expect(kept.content == "Once upon" && kept.state == .stopped)
    #expect(await harness.product.live.count() == 0)
  }

  @Test("what is being written is saved on the way, not at its end only")
  func savingOnTheWay() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let (_, answers) = try await ann.ask("hello", in: try await ann.converse())
    let mine = harness.store.owned(by: ann.user.id)
    var tokens = 0
    while try await mine.message(answers[0]).content.isEmpty {
      tokens += 1
      harness.source.tell([.text("word ", tokens: tokens)])
      try await Task.sleep(for: .milliseconds(5))
    }
    #expect(try await mine.message(answers[0]).state == .writing)
  }

  @Test("an answer again is a branch beside the first, from the same question")
  func regenerating() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    let (question, answers) = try await ann.ask("hello", in: talk)
    let again = try await ann.send(
      .post, "/api/conversations/\(talk)/answers", "{\"parent\": \"\(question)\"}")
    #expect(again.status == 201)
    let messages = try await harness.store.owned(by: ann.user.id).messages(of: talk)
    #expect(messages.filter { $0.parent == question }.count == 2)
    let seeds = harness.source.requests.map(\.sampling.seed)
    #expect(seeds[0] != nil && seeds[0] != seeds[1])
    #expect(messages[1].sampling?.seed == seeds[0] && messages[1].id == answers[0])
  }

  @Test("two answers to compare are two draws, or with a seed that and the next")
  func twoAnswers() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    _ = try await ann.send(
      .patch, "/api/conversations/\(talk)", "{\"sampling\": {\"seed\": 41}}")
    let (_, answers) = try await ann.ask("hello", in: talk, answers: 2)
    #expect(answers.count == 2)
    #expect(harness.source.requests.map(\.sampling.seed) == [41, 42])
  }

  @Test("an answer keeps what it was made with: version, whole sampling, who it is compared with")
  func provenance() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    let (_, pair) = try await ann.ask("hello", in: talk, answers: 2)
    let (_, alone) = try await ann.ask("hello", in: talk)
    let mine = harness.store.owned(by: ann.user.id)
    let (left, right) = (try await mine.message(pair[0]), try await mine.message(pair[1]))
    #expect(left.version == "1a2b" && left.sampling?.temperature == 0.7)
    #expect(left.sampling?.seed != nil && left.sampling?.seed != right.sampling?.seed)
    #expect(left.compared != nil && left.compared == right.compared)
    #expect(try await mine.message(alone[0]).compared == nil)
  }

  @Test("an answer keeps how long it took to begin, and its tokens are those of the source")
  func firstText() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let (_, answers) = try await ann.ask("hello", in: try await ann.converse())
    try await Task.sleep(for: .milliseconds(30))
    harness.source.tell([.text("Hm", tokens: 3)])
    while await harness.product.live.slice(of: answers[0], for: ann.user.id, from: 0)?.end == 0 {
      await Task.yield()
    }
    let slice = await harness.product.live.slice(of: answers[0], for: ann.user.id, from: 0)!
    #expect(slice.tokens == 3 && slice.wait >= 0.03 && slice.wait == slice.seconds)
    harness.source.tell([.text("m", tokens: 5), .finished(.done, promptTokens: 3, tokens: 6)])
    _ = try await ann.send(.get, "/api/streams/\(answers[0])")
    let kept = try await harness.store.owned(by: ann.user.id).message(answers[0])
    #expect(kept.tokens == 6 && kept.wait == slice.wait && kept.seconds > kept.wait)
  }

  @Test("questions that nothing was answered to are read as one")
  func unansweredQuestions() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    harness.source.refuse(.crowded(wait: 1))
    let refused = try await ann.send(
      .post, "/api/conversations/\(talk)/messages", "{\"content\": \"one\"}")
    harness.source.refuse(nil)
    let question = (refused["question"] as! [String: Any])["id"] as! String
    _ = try await ann.send(
      .post, "/api/conversations/\(talk)/messages",
      "{\"content\": \"two\", \"parent\": \"\(question)\"}")
    let read = harness.source.requests[0].messages
    #expect(read.map(\.role) == ["user"] && read[0].content == "one\n\ntwo")
  }

  @Test("too crowded: the question is kept, and the wait is told in body and header")
  func crowded() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    harness.source.refuse(.crowded(wait: 7.2))
    let refused = try await ann.send(
      .post, "/api/conversations/\(talk)/messages", "{\"content\": \"hello\"}")
    #expect(refused.status == 429 && refused.headers[.retryAfter] == "8")
    #expect(refused["crowded"] as? Double == 7.2)
    harness.source.refuse(nil)
    let question = (refused["question"] as! [String: Any])["id"] as! String
    let again = try await ann.send(
      .post, "/api/conversations/\(talk)/answers", "{\"parent\": \"\(question)\"}")
    #expect(again.status == 201)
  }

  @Test(
    "an answer whose conversation goes while it is written is forgotten once it ends",
    .timeLimit(.minutes(2)))
  func deletedMeanwhile() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    let answer = try await ann.ask("first", in: talk).answers[0]
    // Not by the page's address, which ends the answer first.
    try await harness.store.owned(by: ann.user.id).deleteConversation(talk)
    harness.source.tell([.text("late", tokens: 1), .finished(.done, promptTokens: 1, tokens: 1)])
    while await harness.product.live.slice(of: answer, for: ann.user.id, from: 0) != nil {
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  @Test("IDOR: another user's conversation, stream, message and feedback do not exist")
  func ownership() async throws {
    let harness = try await ProductHarness()
    let (ann, eve) = (try await harness.signIn("ann"), try await harness.signIn("eve"))
    let talk = try await ann.converse()
    let (question, answers) = try await ann.ask("secret", in: talk)
    let own = try await eve.converse()
    let attempts: [(HTTPRequest.Method, String, String?)] = [
      (.get, "/api/conversations/\(talk)", nil),
      (.get, "/api/conversations/\(talk)/export", nil),
      (.patch, "/api/conversations/\(talk)", "{\"title\": \"x\"}"),
      (.delete, "/api/conversations/\(talk)", nil),
      (.post, "/api/conversations/\(talk)/messages", "{\"content\": \"x\"}"),
      (
        .post, "/api/conversations/\(own)/messages",
        "{\"content\": \"x\", \"parent\": \"\(answers[0])\"}"
      ),
      (.post, "/api/conversations/\(talk)/answers", "{\"parent\": \"\(question)\"}"),
      (.get, "/api/streams/\(answers[0])", nil), (.delete, "/api/streams/\(answers[0])", nil),
      (
        .post, "/api/feedback",
        "{\"message\": \"\(answers[0])\", \"value\": {\"kind\": \"thumb\", \"up\": true}}"
      ),
    ]
    for (method, path, body) in attempts {
      #expect(try await eve.send(method, path, body).status == 404, "\(method) \(path)")
    }
    #expect(await harness.product.live.count(for: ann.user.id) == 1)
    #expect(!(try await eve.send(.get, "/api/export").text.contains("secret")))
  }

  @Test("stored XSS: markup of any kind is data, of a type that no browser takes for a page")
  func storedMarkup() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    let attack = "<img src=x onerror=alert(1)></script>"
    _ = try await ann.send(
      .patch, "/api/conversations/\(talk)", "{\"title\": \"\(attack)\"}")
    for path in [
      "/api/conversations", "/api/conversations/\(talk)", "/api/conversations/\(talk)/export",
      "/api/conversations/\(talk)/export?format=markdown",
    ] {
      let answer = try await ann.send(.get, path)
      #expect(answer.headers[.contentType]?.contains("html") == false)
      #expect(answer.headers[.xContentTypeOptions] == "nosniff")
      #expect(answer.text.contains("onerror"))
    }
  }

  @Test("the page runs, loads and calls nothing but its own files, and parses no text as markup")
  func contentSecurityPolicy() async throws {
    let harness = try await ProductHarness()
    let page = try await harness.send(.get, "/")
    let policy = page.headers[.contentSecurityPolicy]!
    #expect(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"))
    #expect(policy.contains("require-trusted-types-for 'script'"))
    #expect(!policy.contains("unsafe") && !policy.contains("http"))
    for name in ["app.js", "message.js", "markdown.js", "page.css"] {
      let file = try await harness.send(.get, "/" + name)
      #expect(file.status == 200, "\(name)")
      #expect(!file.text.contains("innerHTML"))
    }
  }

  @Test("what a request says out of bounds is refused with a reason")
  func bounds() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    func status(_ path: String, _ body: String) async throws -> Int {
      try await ann.send(.post, "/api/conversations" + path, body).status
    }
    #expect(try await status("", "{\"sampling\": {\"temperature\": -1}}") == 422)
    #expect(try await status("", "not JSON") == 400)
    #expect(try await status("/\(talk)/messages", "{\"content\": \" \"}") == 422)
    #expect(try await status("/\(talk)/messages", "{\"content\": \"x\", \"answers\": 6}") == 422)
    #expect(try await status("/\(talk)/messages", "{}") == 400)
  }

  @Test("one user writes no more than eight answers at once")
  func concurrency() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    _ = try await ann.ask("hello", in: talk, answers: 5)
    let more = try await ann.send(
      .post, "/api/conversations/\(talk)/messages", "{\"content\": \"x\", \"answers\": 4}")
    #expect(more.status == 429)
  }
}
