import Foundation
import HTTPTypes
import PrimerGeneration
import Synchronization
import TestSupport
import Testing

@testable import PrimerServing

/// Finds violence where a text says "harm", and counts what it is shown.
private final class WordClassifier: ModerationClassifier {
  let name = "words"
  let assessed: Set<String> = ["violence", "hate"]
  let wait: Double
  private let texts = Mutex<[String]>([])

  init(wait: Double = 0) { self.wait = wait }

  var seen: [String] { texts.withLock { $0 } }

  func scores(_ text: String) async throws -> ModerationScores {
    texts.withLock { $0.append(text) }
    return ModerationScores(
      scores: ["violence": text.contains("harm") ? 0.9 : 0.1, "hate": 0],
      thresholds: ["violence": 0.5, "hate": 0.5])
  }
}

@Suite struct ModerationTests {
  private static func policy(_ action: ModerationPolicy.Action) -> ModerationPolicy {
    var policy = ModerationPolicy()
    policy.standard = action
    return policy
  }

  private static func harness(
    _ policy: ModerationPolicy, _ classifier: WordClassifier = WordClassifier()
  ) async throws -> ProductHarness {
    try await ProductHarness(moderator: Moderator(policy, classifier))
  }

  private static func flags(_ harness: ProductHarness) async throws -> [AdministeredStore.Flag] {
    let owner = try await harness.store.owner()
    let administered = try #require(harness.store.administered(by: owner))
    return try await administered.flags()
  }

  @Test("a refused question never reaches the model, and is in the administrators' queue")
  func refusedQuestion() async throws {
    let harness = try await Self.harness(Self.policy(.refuse))
    let ann = try await harness.signIn("ann")
    let (_, answers) = try await ann.ask("how to harm", in: try await ann.converse())
    #expect(harness.source.requests.isEmpty)
    let kept = try await harness.store.owned(by: ann.user.id).message(answers[0])
    #expect(kept.state == .refused && kept.content.isEmpty)
    let flags = try await Self.flags(harness)
    #expect(flags.map(\.content) == ["how to harm"] && flags[0].refused)
    #expect(flags[0].categories == ["violence": 0.9])
  }

  @Test("a flagged question is answered, and is in the administrators' queue")
  func flaggedQuestion() async throws {
    let harness = try await Self.harness(Self.policy(.flag))
    let ann = try await harness.signIn("ann")
    _ = try await ann.ask("how to harm", in: try await ann.converse())
    #expect(harness.source.requests.count == 1)
    #expect(try await Self.flags(harness).map(\.refused) == [false])
  }

  @Test("the page hears what was found in questions and answers, when asked and when read again")
  func told() async throws {
    let harness = try await Self.harness(Self.policy(.flag))
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    let asked = try await ann.send(
      .post, "/api/conversations/\(talk)/messages", "{\"content\": \"how to harm\"}")
    let flag = try #require(asked["flag"] as? [String: Any])
    #expect(flag["categories"] as? [String] == ["violence"] && flag["refused"] as? Bool == false)
    #expect(flag["state"] as? String == "open")
    let answer = (asked["answers"] as! [[String: Any]])[0]["id"] as! String
    harness.source.tell([.text("harm", tokens: 1), .finished(.done, promptTokens: 3, tokens: 1)])
    let stream = try await ann.send(.get, "/api/streams/\(answer)")
    #expect(stream.text.contains("\"flag\":{") && stream.text.contains("\"violence\""))
    let whole: Product.WholeConversation =
      try await ann.send(.get, "/api/conversations/\(talk)").decoded()
    #expect(whole.flags.map(\.message) == [whole.messages[0].id, answer])
  }

  @Test("the next question does not carry a refused one, or the text of a refused answer, with it")
  func refusedContext() async throws {
    let harness = try await Self.harness(Self.policy(.refuse))
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    let (_, refused) = try await ann.ask("how to harm", in: talk)
    _ = try await ann.send(
      .post, "/api/conversations/\(talk)/messages",
      "{\"content\": \"please do\", \"parent\": \"\(refused[0])\"}")
    #expect(harness.source.requests.map { $0.messages.map(\.content) } == [["please do"]])
  }

  @Test("a question that an administrator found harmless is answered, and asks nobody again")
  func dismissed() async throws {
    let classifier = WordClassifier()
    let harness = try await Self.harness(Self.policy(.refuse), classifier)
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    let (question, _) = try await ann.ask("how to harm", in: talk)
    func again() async throws -> RouterClient.Answer {
      try await ann.send(
        .post, "/api/conversations/\(talk)/answers", "{\"parent\": \"\(question)\"}")
    }
    #expect((try await again()["answers"] as! [[String: Any]])[0]["state"] as? String == "refused")
    let flags = try await Self.flags(harness)
    #expect(flags.count == 1)
    let administered = try #require(harness.store.administered(by: try await harness.store.owner()))
    try await administered.settleFlag(flags[0].id, upheld: false)
    let answered = try await again()
    #expect((answered["answers"] as! [[String: Any]])[0]["state"] as? String == "writing")
    #expect(classifier.seen.count == 2 && harness.source.requests.count == 1)
    #expect(try await Self.flags(harness).map(\.state) == ["dismissed"])
  }

  @Test("a harmless question leaves no trace in the queue")
  func harmlessQuestion() async throws {
    let harness = try await Self.harness(Self.policy(.refuse))
    let ann = try await harness.signIn("ann")
    _ = try await ann.ask("how to bake", in: try await ann.converse())
    #expect(harness.source.requests.count == 1)
    #expect(try await Self.flags(harness).isEmpty)
  }

  @Test("an answer that turns harmful is stopped in the middle")
  func refusedAnswer() async throws {
    let harness = try await Self.harness(Self.policy(.refuse))
    let ann = try await harness.signIn("ann")
    let (_, answers) = try await ann.ask("tell me", in: try await ann.converse())
    harness.source.tell([
      .text(
        String(repeating: "so ", count: 70) + "you harm " + String(repeating: "x", count: 60),
        tokens: 80)
    ])
    // The look runs beside the text: the next piece of text is where it is heeded.
    while try await Self.flags(harness).isEmpty {
      harness.source.tell([.text(" and on", tokens: 81)])
      await Task.yield()
    }
    let stream = try await ann.send(.get, "/api/streams/\(answers[0])")
    #expect(stream.text.contains("event: done") && stream.text.contains("\"refused\""))
  }

  @Test("the end of an answer is looked at, however short it is")
  func shortAnswer() async throws {
    let harness = try await Self.harness(Self.policy(.refuse))
    let ann = try await harness.signIn("ann")
    let (_, answers) = try await ann.ask("tell me", in: try await ann.converse())
    harness.source.tell([.text("harm", tokens: 1), .finished(.done, promptTokens: 3, tokens: 1)])
    let stream = try await ann.send(.get, "/api/streams/\(answers[0])")
    #expect(stream.text.contains("\"refused\""))
    #expect(try await Self.flags(harness).map(\.role) == ["assistant"])
  }

  @Test("where it is off, nothing is looked at")
  func off() async throws {
    let classifier = WordClassifier()
    let harness = try await Self.harness(Self.policy(.off), classifier)
    let ann = try await harness.signIn("ann")
    _ = try await ann.ask("how to harm", in: try await ann.converse())
    #expect(classifier.seen.isEmpty && harness.source.requests.count == 1)
  }

  @Test("where too many texts wait to be looked at, the page hears how long to wait")
  func crowded() async throws {
    let harness = try await Self.harness(Self.policy(.flag), WordClassifier(wait: 25))
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    let answer = try await ann.send(
      .post, "/api/conversations/\(talk)/messages", "{\"content\": \"hello\"}")
    #expect(answer.status == 429 && answer["crowded"] as? Double == 15)
    #expect(harness.source.requests.isEmpty)
  }

  @Test("a category's own action and threshold go before the general ones")
  func ownAction() {
    var policy = Self.policy(.flag)
    policy.actions["hate"] = .refuse
    policy.thresholds["violence"] = 0.95
    let scores = ModerationScores(
      scores: ["violence": 0.9, "hate": 0.7], thresholds: ["violence": 0.5, "hate": 0.5])
    let verdict = policy.verdict(scores)
    #expect(verdict.categories == ["hate": 0.7] && verdict.isRefused)
  }
}

@Suite struct ModerationAddressTests {
  private func results(
    _ answer: RouterClient.Answer
  ) throws -> [[String: Any]] { try #require(answer["results"] as? [[String: Any]]) }

  @Test("every category of the API is answered, and those not assessed say so")
  func categories() async throws {
    let harness = try await ServiceHarness(
      moderator: Moderator(ModerationPolicy(), WordClassifier()))
    let answer = try await harness.send(
      .post, "/v1/moderations", "{\"input\": [\"harm\", \"bread\"]}")
    let results = try results(answer)
    #expect(results.map { $0["flagged"] as? Bool } == [true, false])
    let scores = try #require(results[0]["category_scores"] as? [String: Double])
    #expect(scores.count == 13 && scores["violence"] == 0.9 && scores["illicit"] == 0)
    let types = try #require(results[0]["category_applied_input_types"] as? [String: [String]])
    #expect(types["violence"] == ["text"] && types["illicit"] == [])
  }

  @Test("text parts are one text, and images are refused")
  func parts() async throws {
    let harness = try await ServiceHarness(
      moderator: Moderator(ModerationPolicy(), WordClassifier()))
    let text = "{\"type\": \"text\", \"text\": \"harm\"}"
    let answer = try await harness.send(
      .post, "/v1/moderations", "{\"input\": [\(text), \(text)]}")
    #expect(try results(answer).count == 1)
    let image = "{\"type\": \"image_url\", \"image_url\": {\"url\": \"data:\"}}"
    let refused = try await harness.send(.post, "/v1/moderations", "{\"input\": [\(image)]}")
    #expect(refused.status == 400)
  }

  @Test("without a model for it, the address says what is missing")
  func absent() async throws {
    let harness = try await ServiceHarness()
    let answer = try await harness.send(.post, "/v1/moderations", "{\"input\": \"x\"}")
    #expect(answer.status == 404 && answer.problem.code == "model_not_found")
  }
}
