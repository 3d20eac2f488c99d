import Foundation
import HTTPTypes
import PrimerGeneration
import PrimerTokenizers
import Testing

@testable import PrimerServing

@Suite("Responses")
struct ResponseTests {
  private func begin(_ service: ServiceHarness, _ more: String = "") async throws -> String {
    let made = try await service.send(
      .post, "/v1/responses",
      """
      {"model": "letters", "input": "abc", "max_output_tokens": 300, "background": true\(more)}
      """)
    #expect(made.status == 200 && made["status"] as? String == "in_progress", "\(made.text)")
    return try #require(made["id"] as? String)
  }

  private func status(_ service: ServiceHarness, _ id: String) async throws -> String? {
    try await service.send(.get, "/v1/responses/\(id)")["status"] as? String
  }

  @Test("in the background, it is written while nobody waits, and kept when it is done")
  func background() async throws {
    let service = try await ServiceHarness()
    let id = try await begin(service)
    while try await status(service, id) == "in_progress" { await Task.yield() }
    let whole = try await service.send(.get, "/v1/responses/\(id)")
    #expect(["completed", "incomplete"].contains(whole["status"] as? String))
    #expect(whole["background"] as? Bool == true && (whole["output"] as? [Any])?.count == 1)
    #expect(try await service.parts.responses.find(id, owner: "one") != nil)
    let next = try await service.send(
      .post, "/v1/responses",
      #"{"model": "letters", "input": "d", "previous_response_id": "\#(id)", "max_output_tokens": 16}"#
    )
    #expect(next.status == 200 || next.problem.code == "context_length_exceeded")
  }

  @Test("cancelling stops it within a pass, keeps what there is, and lets the engine go")
  func cancelling() async throws {
    var configuration = EngineConfiguration()
    configuration.mostRunning = 1
    let service = try await ServiceHarness(configuration)
    let (first, second) = (try await begin(service), try await begin(service))
    for id in [second, first] {
      let cancelled = try await service.send(.post, "/v1/responses/\(id)/cancel")
      #expect(cancelled.status == 200)
      #expect(try await status(service, id) == cancelled["status"] as? String)
    }
    #expect(try await status(service, second) == "cancelled")
    let following = try await service.send(
      .post, "/v1/responses",
      #"{"model": "letters", "input": "d", "previous_response_id": "\#(second)"}"#)
    #expect(following.problem.code == "previous_response_not_complete")
    while service.parts.drain.running > 0 { await Task.yield() }
    #expect(service.parts.models.loaded[0].engine.load.running == 0)
  }

  @Test("what is not being written cannot be cancelled, nor what is another's")
  func notCancellable() async throws {
    let service = try await ServiceHarness()
    let made = try await service.send(.post, "/v1/responses", RequestExamples.stored.text)
    let id = try #require(made["id"] as? String)
    let again = try await service.send(.post, "/v1/responses/\(id)/cancel")
    #expect(again.status == 400 && again.problem.code == "response_not_cancellable")
    #expect(try await service.send(.post, "/v1/responses/resp_x/cancel").status == 404)
    let other = try await service.parts.keys.make(
      name: "x", user: "two", scopes: [.inference]
    ).secret
    let running = try await begin(service)
    #expect(
      try await service.send(.post, "/v1/responses/\(running)/cancel", key: other).status == 404)
    #expect(try await service.send(.get, "/v1/responses/\(running)", key: other).status == 404)
  }

  @Test("a deleted one stays deleted, though it was being written")
  func deleting() async throws {
    let service = try await ServiceHarness()
    let id = try await begin(service)
    #expect(try await service.send(.delete, "/v1/responses/\(id)").status == 200)
    while service.parts.drain.running > 0 { await Task.yield() }
    #expect(try await service.send(.get, "/v1/responses/\(id)").status == 404)
  }

  @Test("in the background it counts among what its user has under way, and is drained")
  func counted() async throws {
    var configuration = EngineConfiguration()
    configuration.mostRunning = 1
    let service = try await ServiceHarness(configuration)
    let key = try await service.parts.keys.make(
      name: "x", user: "two", scopes: [.inference], concurrency: 1
    ).secret
    let body =
      #"{"model": "letters", "input": "abc", "max_output_tokens": 350, "background": true}"#
    let blocked = try await begin(service)
    let first = try await service.send(.post, "/v1/responses", body, key: key)
    #expect(first.status == 200)
    let second = try await service.send(.post, "/v1/responses", body, key: key)
    #expect(second.status == 429 && second.problem.code == "concurrency_limit_exceeded")
    #expect(service.parts.drain.running >= 1)
    let id = try #require(first["id"] as? String)
    #expect(try await service.send(.post, "/v1/responses/\(id)/cancel", key: key).status == 200)
    _ = try await service.send(.post, "/v1/responses/\(blocked)/cancel")
  }

  @Test("one that a service left unfinished has failed, and says why")
  func leftUnfinished() async throws {
    let service = try await ServiceHarness()
    let id = "resp_" + String(repeating: "a", count: 32)
    let document = try #require(
      RequestExamples.parsed(
        try await service.send(.post, "/v1/responses", RequestExamples.stored.text).text
          .replacing("\"incomplete\"", with: "\"in_progress\"")
          .replacing("\"completed\"", with: "\"in_progress\"")
      ).members)
    try await service.parts.responses.insert(
      StoredResponse(document: .object(document), input: .string("abc"), messages: []),
      id: id, owner: "one")
    let found = try await service.send(.get, "/v1/responses/\(id)")
    #expect(found["status"] as? String == "failed")
    #expect((found["error"] as? [String: Any])?["code"] as? String == "server_error")
  }

  @Test(
    "in the background, it has to be kept and cannot be streamed", arguments: ["store", "stream"])
  func exclusive(option: String) async throws {
    let service = try await ServiceHarness()
    let answer = try await service.send(
      .post, "/v1/responses",
      #"{"model": "letters", "input": "a", "background": true, "\#(option)": \#(option == "stream")}"#
    )
    #expect(answer.status == 400)
  }

  @Test("what does not fit is refused, or drops its oldest messages where 'truncation' is 'auto'")
  func truncation() async throws {
    let service = try await ServiceHarness()
    func send(_ sizes: [Int], _ truncation: String) async throws -> RouterClient.Answer {
      let items = sizes.map {
        #"{"role": "user", "content": "\#(String(repeating: "a", count: $0))"}"#
      }
      return try await service.send(
        .post, "/v1/responses",
        """
        {"model": "letters", "input": [\(items.joined(separator: ","))],
         "truncation": "\(truncation)", "max_output_tokens": 16}
        """)
    }
    let sizes = [600, 500, 90, 40, 5]
    for (sizes, truncation) in [(sizes, "disabled"), ([5, 1300], "auto")] {
      let refused = try await send(sizes, truncation)
      #expect(refused.status == 400 && refused.problem.code == "context_length_exceeded")
    }
    let cut = try await send(sizes, "auto")
    #expect(cut.status == 200 && (cut["output"] as? [Any])?.count == 1)
    // A space stands behind each.
    #expect((cut["usage"] as? [String: Any])?["input_tokens"] as? Int == 639)
    let id = try #require(cut["id"] as? String)
    #expect(try await service.parts.responses.find(id, owner: "one")?.messages.count == 5)
    let whole = try await send([90, 40, 5], "auto")
    #expect((whole["usage"] as? [String: Any])?["input_tokens"] as? Int == 138)
  }

  @Test("an error in mid-stream is an event of the specification, the last one")
  func errorEvent() async throws {
    let service = try await ServiceHarness()
    async let streamed = service.send(
      .post, "/v1/responses",
      #"{"model": "letters", "input": "a", "stream": true, "max_output_tokens": 380, "temperature": 2}"#
    )
    while service.parts.models.loaded[0].engine.load.running == 0 { await Task.yield() }
    service.parts.models.loaded[0].engine.end()
    let last = try #require(try await streamed.events.last)
    #expect(last["type"] as? String == "error" && last["code"] as? String == "unavailable")
  }
}
