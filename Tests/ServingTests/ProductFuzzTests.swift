import Foundation
import HTTPTypes
import PrimerTokenizers
import TestSupport
import Testing

@testable import PrimerServing

/// What the page sends, changed at random. `PRIMER_FUZZ_SECONDS` says how long to go on.
@Suite("Damaged requests of the page")
struct ProductFuzzTests {
  private typealias Example = (method: HTTPRequest.Method, path: String, body: JSONValue)

  /// What the page asks about a conversation with a question and two answers.
  private func examples(_ talk: String, _ question: String, _ answers: [String]) -> [Example] {
    let conversation = "/api/conversations/\(talk)"
    func example(_ method: HTTPRequest.Method, _ path: String, _ body: String) -> Example {
      (method, path, RequestExamples.parsed(body))
    }
    return [
      example(
        .post, "/api/conversations",
        """
        {"title": "t", "system": "s", "model": "held", "sampling":
          {"temperature": 1, "topP": 0.9, "topK": 3, "minP": 0, "maxTokens": 10, "seed": 5}}
        """),
      example(
        .patch, conversation,
        #"{"title": "x", "leaf": "\#(answers[0])", "sampling": {"seed": 9223372036854775807}}"#),
      example(
        .post, conversation + "/messages",
        #"{"content": "c", "parent": "\#(answers[0])", "answers": 2}"#),
      example(.post, conversation + "/answers", #"{"parent": "\#(question)", "answers": 2}"#),
      example(
        .post, "/api/feedback",
        #"{"message": "\#(answers[0])", "value": {"kind": "thumb", "up": true, "reason": "r"}}"#),
      example(
        .post, "/api/feedback",
        #"{"message": "\#(answers[0])", "value": {"kind": "vote", "other": "\#(answers[1])", "choice": "left"}}"#
      ),
      example(
        .post, "/api/feedback",
        #"{"message": "\#(answers[0])", "value": {"kind": "ranking", "best": ["\#(answers[1])", "\#(answers[0])"]}}"#
      ),
      example(.patch, "/api/me", #"{"consent": true}"#),
      example(.patch, "/api/admin/users/x", #"{"disabled": true}"#),
      example(.post, "/api/admin/flags/x", #"{"upheld": true}"#),
      example(.post, "/api/admin/users", #"{"name": "n", "role": "user"}"#),
      example(.post, "/api/sign-in", #"{"name": "n"}"#),
    ]
  }

  @Test("are answered or refused, at every address, and never harm the service")
  func damaged() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann", role: .admin)
    let talk = try await ann.converse()
    let (question, answers) = try await ann.ask("hello", in: talk, answers: 2)
    harness.source.finish()
    var random = SplitMix(state: FuzzTime.seed(12))
    let deadline = FuzzTime.deadline
    var rounds = 0
    repeat {
      for (method, path, body) in examples(talk, question, answers) {
        var changed = body
        for _ in 0..<Int.random(in: 0...2, using: &random) {
          changed = RequestDamage.changed(changed, &random)
        }
        let text = RequestDamage.spelled(changed, &random)
        let answer = try await ann.send(method, path, text)
        #expect(answer.status < 500, "\(method) \(path) \(text.prefix(500)): \(answer.text)")
        harness.source.finish()
      }
      rounds += 1
    } while rounds < 30 || ContinuousClock.now < deadline
    #expect(try await ann.send(.get, "/api/conversations/\(talk)").status == 200)
    #expect(try await ann.send(.get, "/api/export").status == 200)
  }

  @Test("the largest seed is taken, for two answers too")
  func largestSeed() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let talk = try await ann.converse()
    _ = try await ann.send(
      .patch, "/api/conversations/\(talk)", "{\"sampling\": {\"seed\": \(Int.max)}}")
    _ = try await ann.ask("hello", in: talk, answers: 2)
    #expect(harness.source.requests.map(\.sampling.seed) == [.max, .min])
  }

  @Test(
    "places and words of a query that make no sense are refused or find nothing",
    arguments: [
      "from=-1", "from=9223372036854775807", "from=99999999999999999999", "from=x", "from=",
      "from=1&from=2", "%00=%ff",
    ])
  func queries(query: String) async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let (_, answers) = try await ann.ask("hello", in: try await ann.converse())
    harness.source.finish()
    let stream = try await ann.send(.get, "/api/streams/\(answers[0])?\(query)")
    #expect([200, 400].contains(stream.status), "\(stream.text)")
    for search in ["%25", "'%20OR%201=1", "a%", String(repeating: "a", count: 10_000)] {
      let found = try await ann.send(.get, "/api/conversations?search=\(search)")
      #expect(found.status == 200 && found.text == "[]", "\(search): \(found.text)")
    }
  }

  @Test("JSON nested deeper than 64 levels is refused by the page's addresses too")
  func depth() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    for depth in [65, 5000, 500_000] {
      let body =
        #"{"title": "#
        + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
      let answer = try await ann.send(.post, "/api/conversations", body)
      #expect(answer.status == 400 && answer.text.contains("nested too deeply"))
    }
  }
}
