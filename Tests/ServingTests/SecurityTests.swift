import Foundation
import HTTPTypes
import PrimerTokenizers
import TestSupport
import Testing

@testable import PrimerServing

/// One test for each class of hole that other servers of models have had.
@Suite("Security of the API")
struct SecurityTests {
  // MARK: Parameters

  /// Numbers that made other servers write out of bounds, loop or run out of memory.
  private static let strangeNumbers = [
    "-1", "-9223372036854775808", "9223372036854775807", "18446744073709551616", "1e308", "-1e308",
    "1e999", "0.5", "-0.0", "4294967296", "\"1\"", "true", "[]", "{}",
  ]

  @Test(
    "server parameters: no number of any field makes more than a 400", arguments: strangeNumbers)
  func numbers(number: String) async throws {
    let service = try await ServiceHarness()
    for (path, shape, begin) in [
      ("/v1/chat/completions", ChatFields.body, RequestExamples.chat),
      ("/v1/completions", CompletionFields.body, RequestExamples.completion),
      ("/v1/responses", ResponseFields.body, RequestExamples.response),
      ("/v1/embeddings", Embeddings.body, RequestExamples.embedding),
    ] {
      guard case .named(_, .object(let fields)) = shape, let example = begin.members else {
        Issue.record("\(path) takes no object")
        continue
      }
      for field in fields where field.shape.isNumber {
        let value = try JSONValue(parsing: Array(number.utf8), keepsIntegers: true)
        let others = example.filter { $0.key != field.name }
        let body = JSONValue.object(others + [(field.name, value)])
        let answer = try await service.send(.post, path, body.text)
        #expect([200, 400].contains(answer.status), "\(field.name): \(number): \(answer.text)")
        if answer.status == 400 { #expect(answer.problem.parameter == field.name) }
      }
    }
    #expect(try await service.chat("abc", #", "max_tokens": 1"#).status == 200)
  }

  @Test("tokens out of the vocabulary are refused or have no text")
  func strangeTokens() async throws {
    let service = try await ServiceHarness()
    for token in ["2147483647", "99999", "96"] {
      let text = try await service.send(.post, "/detokenize", #"{"tokens": [\#(token)]}"#)
      #expect([200, 400].contains(text.status), "\(token)")
      for prompt in ["[\(token)]", "[[1, \(token)]]"] {
        let answer = try await service.send(
          .post, "/v1/completions",
          #"{"model": "letters", "prompt": \#(prompt), "max_tokens": 1, "echo": true, "logprobs": 2}"#
        )
        #expect([200, 400].contains(answer.status))
      }
    }
    let outside = try await service.send(
      .post, "/v1/embeddings", #"{"model": "letters", "input": [4, 2147483647]}"#)
    #expect(outside.problem.parameter == "input")
  }

  @Test("empty prompts are answered or refused, on every address")
  func emptyPrompts() async throws {
    let service = try await ServiceHarness()
    for prompt in [#""""#, #"[""]"#, "[]", "[[]]", "null"] {
      for more in ["", #", "echo": true, "logprobs": 1"#, #", "stream": true"#] {
        let answer = try await service.send(
          .post, "/v1/completions",
          #"{"model": "letters", "prompt": \#(prompt), "max_tokens": 2\#(more)}"#)
        #expect(answer.status < 500, "\(prompt)\(more): \(answer.text)")
      }
      let vector = try await service.send(
        .post, "/v1/embeddings", #"{"model": "letters", "input": \#(prompt)}"#)
      #expect(vector.status == 400)
      let response = try await service.send(
        .post, "/v1/responses", #"{"model": "letters", "input": \#(prompt)}"#)
      #expect(response.status < 500)
    }
    #expect(try await service.chat("", #", "max_tokens": 2"#).status < 500)
    let none = try await service.send(
      .post, "/v1/chat/completions", #"{"model": "letters", "messages": []}"#)
    #expect(none.problem.parameter == "messages")
    #expect(try await service.send(.post, "/tokenize", #"{"content": ""}"#).status == 200)
    #expect(try await service.send(.post, "/detokenize", #"{"tokens": []}"#).status == 200)
  }

  @Test(
    "malformed tools are refused with the place",
    arguments: [
      "{}", #""x""#, "[1]", "[{}]", #"[{"type": "function"}]"#, #"[{"type": "file_search"}]"#,
      #"[{"type": "function", "function": {}}]"#,
      #"[{"type": "function", "function": {"name": 1}}]"#,
      #"[{"type": "function", "function": {"name": "f", "parameters": "x"}}]"#,
      #"[{"type": "function", "function": {"name": "f", "parameters": [1]}}]"#,
      #"[{"type": "function", "function": {"name": "f", "parameters": {"type": 5}}}]"#,
      ##"[{"type": "function", "function": {"name": "f", "parameters": {"$ref": "#/x"}}}]"##,
      #"[{"type": "function", "function": {"name": "né"}}]"#,
      #"[{"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "f"}}]"#,
      #"[{"type": "function", "function": {"name": "a\"}b"}}]"#,
      #"[{"type": "function", "function": {"name": ""}}]"#,
    ])
  func malformedTools(tools: String) async throws {
    let service = try await ServiceHarness()
    for choice in [#""required""#, #""auto""#] {
      let answer = try await service.chat(
        "abc", #", "max_tokens": 2, "tools": \#(tools), "tool_choice": \#(choice)"#)
      // What the model only reads need not be a schema.
      #expect(answer.status == 400 || (choice.contains("auto") && answer.status == 200))
      if answer.status == 400 {
        #expect(answer.problem.parameter?.hasPrefix("tools") == true, "\(answer.text)")
      }
    }
  }

  @Test("no field of a request reaches the names that the engine gives a template")
  func templateVariables() async throws {
    let service = try await ServiceHarness()
    for name in [
      "chat_template_kwargs", "chat_template", "add_generation_prompt", "bos_token", "messages2",
      "documents", "continue_final_message", "__class__",
    ] {
      let answer = try await service.chat("abc", #", "\#(name)": {"messages": []}"#)
      #expect(answer.status == 400 && answer.problem.parameter == name)
    }
  }

  @Test("a template that is a bomb costs its own request, and no more")
  func templateBomb() async throws {
    let service = try await ServiceHarness(
      template: "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}")
    #expect(try await service.chat("abc").status == 400)
    #expect(try await service.send(.get, "/v1/models").status == 200)
  }

  @Test("JSON is read to 64 levels, and not one deeper")
  func depth() async throws {
    let service = try await ServiceHarness()
    func nested(_ depth: Int) async throws -> RouterClient.Answer {
      let schema =
        String(repeating: #"{"default": "#, count: depth) + "1"
        + String(repeating: "}", count: depth)
      return try await service.chat("abc", #", "prediction": \#(schema), "max_tokens": 1"#)
    }
    #expect(try await nested(63).status == 200)
    #expect(try await nested(64).status == 400)
  }

  @Test("a body that does not end is waited for so long and no longer", .timeLimit(.minutes(1)))
  func unendedBody() async throws {
    var limits = ServiceLimits()
    limits.reading = .milliseconds(50)
    let service = try await ServiceHarness(limits: limits)
    let answer = try await service.client.post(
      "/v1/chat/completions", unended: "{",
      headers: [.authorization: "Bearer \(service.key)"])
    #expect(answer.status == 408 && answer.problem.code == "timeout")
    let product = try await ProductHarness(limits: limits)
    let signIn = try await product.client.post("/api/sign-in", unended: "{")
    #expect(signIn.status == 408 && signIn["error"] != nil)
    let ann = try await product.signIn("ann")
    let begun = try await product.client.post(
      "/api/conversations", unended: "{", headers: [.cookie: ann.cookie, .csrfToken: ann.csrf])
    #expect(begun.status == 408)
  }

  @Test("a conversation of any length is cut after a few renderings, and none when nobody waits")
  func truncation() async throws {
    let service = try await ServiceHarness()
    let model = try await service.parts.models.model("letters")
    let items = [String](repeating: #"{"role": "user", "content": "ab"}"#, count: 4096)
    let body = try JSONValue(
      parsing: Array(
        #"{"input": [\#(items.joined(separator: ","))], "truncation": "auto"}"#.utf8))
    var renderings = 0
    let request = try ResponseRequest(body, after: nil) {
      renderings += 1
      return try ChatRequest($0, model, user: "one")
    }
    #expect(renderings <= 14)
    // A message is three letters of a context of 1,200, of which one is left to write.
    #expect(request.messages.count == 399)
    let left = Task {
      var renderings = 0
      #expect(throws: CancellationError.self) {
        try ResponseRequest(body, after: nil) {
          renderings += 1
          withUnsafeCurrentTask { $0?.cancel() }
          return try ChatRequest($0, model, user: "one")
        }
      }
      return renderings
    }
    #expect(await left.value == 1)
  }

  // MARK: Addresses

  @Test(
    "path traversal: names of models and ids reach no file",
    arguments: [
      "..", "../keys", "..%2Fkeys", "..%2F..%2Fetc%2Fpasswd", "%2e%2e%2fkeys.json", "keys.json",
      "resp_../../keys", "resp_..%2F..%2Fkeys", "resp_%00",
      "resp_" + String(repeating: "A", count: 32),
      "resp_" + String(repeating: "a", count: 33), "/etc/passwd", "letters%00", "letters/../..",
    ])
  func pathTraversal(name: String) async throws {
    let service = try await ServiceHarness()
    for path in ["/v1/models/", "/v1/responses/", "/v1/keys/", "/", "/assets/"] {
      for method in [HTTPRequest.Method.get, .delete] {
        let answer = try await service.send(method, path + name)
        #expect([404, 405].contains(answer.status), "\(method) \(path)\(name)")
        #expect(!answer.text.contains("hash") && !answer.text.contains("root:"))
      }
    }
    let model = try await service.send(
      .post, "/v1/chat/completions",
      #"{"model": "\#(name)", "messages": [{"role": "user", "content": "a"}]}"#)
    #expect(model.status == 404)
    let previous = try await service.send(
      .post, "/v1/responses",
      #"{"model": "letters", "input": "a", "previous_response_id": "\#(name)"}"#)
    #expect(previous.status == 404)
  }

  @Test("other spellings of an open address open nothing else")
  func spellings() async throws {
    let service = try await ServiceHarness()
    for path in [
      "/health/../v1/models", "/health/", "//health", "/health%2f..%2fv1%2fmodels", "/HEALTH",
      "/health;/v1/models", "/v1/models?/health", "/health/%2e%2e/metrics", "/./v1/models",
    ] {
      let answer = try await service.sendWithoutKey(.get, path)
      #expect(answer.status == 401, "\(path)")
    }
  }

  @Test("no request makes the service fetch an address (SSRF)")
  func fetching() async throws {
    let service = try await ServiceHarness()
    let url = "http://127.0.0.1:1/secret"
    let image = #"{"type": "image_url", "image_url": {"url": "\#(url)"}}"#
    let chat = try await service.send(
      .post, "/v1/chat/completions",
      #"{"model": "letters", "messages": [{"role": "user", "content": [\#(image)]}]}"#)
    #expect(chat.status == 400 && chat.problem.parameter == "messages.0.content.0.type")
    for part in [
      #"{"type": "input_image", "image_url": "\#(url)"}"#,
      #"{"type": "input_file", "file_url": "\#(url)"}"#,
    ] {
      let answer = try await service.send(
        .post, "/v1/responses",
        #"{"model": "letters", "input": [{"role": "user", "content": [\#(part)]}]}"#)
      #expect(answer.status == 400)
    }
    let tool = try await service.send(
      .post, "/v1/responses",
      #"{"model": "letters", "input": "a", "tools": [{"type": "mcp", "server_label": "x", "server_url": "\#(url)"}]}"#
    )
    #expect(tool.status == 400 && tool.problem.parameter == "tools.0.type")
  }

  @Test("an address that takes another method says so, to who may know")
  func methods() async throws {
    let service = try await ServiceHarness()
    let answer = try await service.send(.get, "/v1/chat/completions")
    #expect(answer.status == 405 && answer.headers[.allow] == "POST")
    let other = try await service.send(.put, "/v1/responses/x")
    #expect(other.status == 405 && other.headers[.allow] == "GET, DELETE")
    #expect(try await service.sendWithoutKey(.get, "/v1/chat/completions").status == 401)
  }

  // MARK: Who may

  @Test("a key without the scope of an address is refused there, on every address")
  func missingScopes() async throws {
    let service = try await ServiceHarness()
    for scope in Scope.allCases {
      let key = try await service.parts.keys.make(
        name: "x", user: "two", scopes: [scope]
      ).secret
      for route in service.parts.routes where route.access != .open && route.access != .scope(scope)
      {
        let path = route.path.replacing("{", with: "").replacing("}", with: "")
        let answer = try await service.send(
          route.method, path, route.body == nil ? nil : "{}", key: key)
        #expect(answer.status == 403, "\(scope) \(route.method) \(route.path)")
      }
    }
  }

  @Test("key scopes: a key counts in the one header for it, and in no other place")
  func otherHeaders() async throws {
    let service = try await ServiceHarness()
    let names = [
      "x-api-key", "api-key", "x-goog-api-key", "x-auth-token", "proxy-authorization", "cookie",
      "x-forwarded-user", "x-remote-user", "x-user",
    ]
    for name in names {
      for value in [service.key, "Bearer \(service.key)", "owner"] {
        let answer = try await service.sendWithoutKey(
          .get, "/v1/models", headers: [HTTPField.Name(name)!: value])
        #expect(answer.status == 401, "\(name)")
      }
    }
    for query in ["key=", "api_key=", "access_token="] {
      let answer = try await service.sendWithoutKey(.get, "/v1/models?\(query)\(service.key)")
      #expect(answer.status == 401)
    }
    for value in [
      "Basic \(service.key)", service.key, "Bearer", "Bearer  \(service.key)",
    ] {
      let answer = try await service.sendWithoutKey(
        .get, "/v1/models", headers: [.authorization: value])
      #expect(answer.status == 401, "\(value.prefix(8))")
    }
    // A method or an address that a header names instead changes nothing.
    for header in ["x-http-method-override", "x-original-url", "x-rewrite-url"] {
      let answer = try await service.sendWithoutKey(
        .get, "/v1/models", headers: [HTTPField.Name(header)!: "/health"])
      #expect(answer.status == 401)
    }
  }

  @Test("IDOR: another user's response cannot be read, gone on from, listed or deleted")
  func responsesOfOthers() async throws {
    let service = try await ServiceHarness()
    let made = try await service.send(
      .post, "/v1/responses", #"{"model": "letters", "input": "abc", "max_output_tokens": 16}"#)
    let id = try #require(made["id"] as? String)
    let other = try await service.parts.keys.make(
      name: "x", user: "two", scopes: Set(Scope.allCases)
    ).secret
    for (method, path) in [
      (HTTPRequest.Method.get, "/v1/responses/\(id)"), (.delete, "/v1/responses/\(id)"),
      (.get, "/v1/responses/\(id)/input_items"),
    ] {
      #expect(try await service.send(method, path, key: other).status == 404, "\(method) \(path)")
    }
    let following = try await service.send(
      .post, "/v1/responses",
      #"{"model": "letters", "input": "d", "previous_response_id": "\#(id)"}"#, key: other)
    #expect(following.status == 404 && following.problem.parameter == "previous_response_id")
    #expect(try await service.send(.get, "/v1/responses/\(id)").status == 200)
  }

  @Test("DNS rebinding: only own names and bare addresses are answered")
  func hostNames() {
    let check = HostCheck(names: ["localhost", "chat.example.org"])
    for name in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "chat.example.org"] {
      #expect(check.isOurs(name), "\(name)")
    }
    for name in [
      "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:localhost",
      "localhost@evil.example", "", "[evil.example]", "1.2.3", "chat.example.org.",
      "xchat.example.org",
    ] {
      #expect(!check.isOurs(name), "\(name)")
    }
  }

  @Test("CORS: another site's page is allowed nothing, whatever it asks")
  func otherSites() async throws {
    let service = try await ServiceHarness()
    let origin: HTTPFields = [
      .origin: "http://evil.example", .accessControlRequestMethod: "POST",
      .accessControlRequestHeaders: "authorization",
    ]
    let asked = try await service.sendWithoutKey(.options, "/v1/chat/completions", headers: origin)
    #expect(asked.status == 401)
    let answered = try await service.send(.get, "/v1/models", headers: origin)
    for name: HTTPField.Name in [
      .accessControlAllowOrigin, .accessControlAllowCredentials, .accessControlAllowHeaders,
    ] {
      #expect(asked.headers[name] == nil && answered.headers[name] == nil)
    }
    #expect(answered.headers[.xContentTypeOptions] == "nosniff")
  }
}

extension Shape {
  /// Whether it is a number, or null.
  fileprivate var isNumber: Bool {
    switch self {
    case .integer, .number: true
    case .nullable(let shape), .named(_, let shape): shape.isNumber
    default: false
    }
  }
}
