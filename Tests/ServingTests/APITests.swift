import Foundation
import HTTPTypes
import PrimerGeneration
import PrimerTokenizers
import TestSupport
import Testing

@testable import PrimerServing

@Suite("The API")
struct APITests {
  @Test("every address but /health is closed without a key, unknown ones too")
  func closed() async throws {
    let service = try await ServiceHarness()
    for route in service.parts.routes {
      let path = route.path.replacing("{", with: "").replacing("}", with: "")
      let answer = try await service.sendWithoutKey(
        route.method, path, route.body == nil ? nil : "{}")
      let isOpen = route.path == "/health"
      #expect(answer.status == (isOpen ? 200 : 401), "\(route.method) \(route.path)")
    }
    #expect(try await service.sendWithoutKey(.get, "/nothing").status == 401)
    #expect(try await service.sendWithoutKey(.post, "/v1/models").status == 401)
    #expect(try await service.send(.get, "/v1/models", key: "pk-wrong").status == 401)
  }

  @Test("a key does what its scopes say, until it is revoked")
  func scopes() async throws {
    let service = try await ServiceHarness()
    let made = try await service.send(
      .post, "/v1/keys", #"{"name": "meter", "scopes": ["metrics"]}"#)
    let secret = try #require(made["key"] as? String)
    let id = try #require(made["id"] as? String)
    #expect(try await service.send(.get, "/metrics", key: secret).status == 200)
    #expect(try await service.send(.get, "/v1/models", key: secret).status == 403)
    #expect(try await service.send(.get, "/v1/keys", key: secret).status == 403)
    #expect(try await service.send(.delete, "/v1/keys/\(id)").status == 200)
    #expect(try await service.send(.get, "/metrics", key: secret).status == 401)
    let kept = try String(
      contentsOf: service.folder.url.appending(path: "keys.json"), encoding: .utf8)
    #expect(!kept.contains(secret) && !kept.contains(service.key))
  }

  @Test(
    "a field that is unknown, out of its bounds or of the wrong type is named",
    arguments: [
      (#", "colour": 1"#, "colour"), (#", "temperature": 3"#, "temperature"),
      (#", "temperature": "hot""#, "temperature"), (#", "n": 0"#, "n"), (#", "n": 129"#, "n"),
      (#", "top_p": -0.1"#, "top_p"), (#", "logprobs": true, "top_logprobs": 21"#, "top_logprobs"),
      (#", "max_tokens": -1"#, "max_tokens"), (#", "stop": ["a", "b", "c", "d", "e"]"#, "stop"),
      (#", "logit_bias": {"999999": 1}"#, "logit_bias"),
      (#", "logit_bias": {"1": 101}"#, "logit_bias.1"),
      (#", "presence_penalty": 2.5"#, "presence_penalty"),
      (#", "response_format": {"type": "poem"}"#, "response_format.type"),
      (#", "tool_choice": "required""#, "tool_choice"),
    ])
  func bounds(more: String, parameter: String) async throws {
    let service = try await ServiceHarness()
    let answer = try await service.chat("abc", more)
    #expect(answer.status == 400)
    #expect(answer.problem.parameter == parameter, "\(answer.text)")
  }

  @Test("a streamed answer is the whole one, and its usage comes last")
  func streaming() async throws {
    let service = try await ServiceHarness()
    let settings = #", "max_tokens": 40, "seed": 7, "temperature": 1"#
    let whole = try await service.chat("abc def", settings)
    #expect(whole.status == 200)
    let content = try #require(whole.content)
    let streamed = try await service.chat(
      "abc def", settings + #", "stream": true, "stream_options": {"include_usage": true}"#)
    #expect(streamed.text.hasSuffix("data: [DONE]\n\n"))
    let pieces = streamed.events.flatMap { $0["choices"] as? [[String: Any]] ?? [] }
      .compactMap { ($0["delta"] as? [String: Any])?["content"] as? String }
    #expect(pieces.joined() == content)
    let last = try #require(streamed.events.last)
    #expect((last["choices"] as? [Any])?.isEmpty == true)
    #expect((last["usage"] as? [String: Any])?["completion_tokens"] as? Int == 40)
    for event in streamed.events.dropLast() { #expect(event["usage"] is NSNull) }
  }

  @Test("the same request has the same answer alone, again, and among others")
  func determinism() async throws {
    let service = try await ServiceHarness()
    func ask(_ index: Int) async throws -> String? {
      try await service.chat(
        String(repeating: "abc fgh ", count: 1 + index % 4),
        #", "max_tokens": 60, "seed": \#(index % 3), "temperature": \#(index % 2)"#
      ).content
    }
    var alone: [String?] = []
    for index in 0..<12 { alone.append(try await ask(index)) }
    #expect(alone.allSatisfy { $0?.isEmpty == false })
    let together = try await withThrowingTaskGroup(of: (Int, String?).self) { group in
      for index in 0..<12 { group.addTask { (index, try await ask(index)) } }
      return try await group.reduce(into: [Int: String?]()) { $0[$1.0] = $1.1 }
    }
    for index in 0..<12 { #expect(together[index] == alone[index]) }
  }

  @Test("who cannot be served in time is told at once when to come back")
  func crowded() async throws {
    var configuration = EngineConfiguration()
    configuration.mostRunning = 1
    configuration.mostWaiting = 0
    let service = try await ServiceHarness(configuration)
    let answer = try await service.chat("abc")
    #expect(answer.status == 429 && answer.problem.code == "queue_full")
    #expect(try #require(answer.headers[.retryAfter].flatMap { Int($0) }) >= 1)
  }

  @Test("a suffix stands between the tokens that the model has for it, as plain text")
  func suffix() async throws {
    let service = try await ServiceHarness(
      special: ["<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"])
    let tokenizer = service.parts.models.loaded[0].tokenizer
    func complete(_ prompt: String, _ more: String = "") async throws -> NSDictionary {
      let answer = try await service.send(
        .post, "/v1/completions",
        #"{"model": "letters", "prompt": \#(prompt)\#(more), "max_tokens": 20, "temperature": 0, "logprobs": 5}"#
      )
      #expect(answer.status == 200, "\(answer.text)")
      let usage = answer["usage"] as? [String: Any]
      let choice = try #require((answer["choices"] as? [[String: Any]])?.first)
      // The letters alone may be the same behind other prompts.
      return ["choice": choice, "prompt": usage?["prompt_tokens"] as Any]
    }
    for suffix in ["cd", "<|fim_middle|>"] {
      let spelled =
        ["<|fim_prefix|>", "a", "b", "<|fim_suffix|>"] + suffix.map { String($0) }
        + ["<|fim_middle|>"]
      let tokens = try spelled.map { try #require(tokenizer.id(of: $0)) }
      let expected = try await complete("\(tokens)")
      #expect(try await complete(#""ab""#, #", "suffix": "\#(suffix)""#) == expected)
      #expect(expected["prompt"] as? Int == suffix.count + 5)
    }
    let refused = try await ServiceHarness().send(
      .post, "/v1/completions", #"{"model": "letters", "prompt": "ab", "suffix": "cd"}"#)
    #expect(refused.status == 400 && refused.problem.parameter == "suffix")
  }

  @Test("a prompt longer than the context is refused, never cut")
  func longPrompt() async throws {
    let service = try await ServiceHarness()
    let answer = try await service.chat(String(repeating: "abcdefgh", count: 200))
    #expect(answer.status == 400 && answer.problem.code == "context_length_exceeded")
  }

  @Test("JSON nested to death, bodies without end and other content types are refused")
  func bodies() async throws {
    let service = try await ServiceHarness()
    let deep = String(repeating: "[", count: 60_000) + String(repeating: "]", count: 60_000)
    #expect(try await service.send(.post, "/v1/chat/completions", deep).status == 400)
    let deepTools = #", "tools": \#(String(repeating: "[", count: 100))"#
    #expect(try await service.chat("abc", deepTools).status == 400)
    let large = String(repeating: "a", count: 2 << 20)
    #expect(try await service.chat(large).status == 413)
  }

  @Test("a schema that cannot be enforced, or is a bomb, is a 400")
  func schemas() async throws {
    let service = try await ServiceHarness()
    func ask(_ schema: String) async throws -> RouterClient.Answer {
      try await service.chat(
        "abc",
        #", "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": \#(schema)}}"#
      )
    }
    #expect(try await ask(#"{"type": "array", "uniqueItems": true}"#).status == 400)
    #expect(
      try await ask(#"{"type": "string", "pattern": "((a{0,999}){0,999}){0,999}"}"#).status == 400)
    #expect(try await ask(#"{"$ref": "http://127.0.0.1/secret"}"#).status == 400)
  }

  @Test("a page of elsewhere whose name points here gets nothing (DNS rebinding)")
  func rebinding() async throws {
    let service = try await ServiceHarness()
    let answer = try await service.send(.get, "/v1/models", authority: "evil.example:8080")
    #expect(answer.status == 421)
    #expect(try await service.send(.get, "/v1/models", authority: "localhost:8080").status == 200)
  }

  @Test("no answer lets other sites read it")
  func crossOrigin() async throws {
    let service = try await ServiceHarness()
    let answer = try await service.chat("abc", #", "max_tokens": 2"#)
    #expect(answer.headers[.accessControlAllowOrigin] == nil)
  }
}
