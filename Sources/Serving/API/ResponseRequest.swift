import PrimerTokenizers

/// A checked request for a response: it is a chat completion over the conversation so far.
struct ResponseRequest: Sendable {
  let chat: ChatRequest
  let body: JSONValue
  /// Messages of the conversation, the ones of this request included, without instructions.
  let messages: [JSONValue]
  let isStored: Bool
  let isStreamed: Bool
  let isInBackground: Bool

  /// - Parameter read: makes a chat request of a body, and renders all of it for that.
  /// - Throws: `APIError`, and `CancellationError` where nobody waits any more.
  init(
    _ body: JSONValue, after previous: StoredResponse?,
    reading read: (JSONValue) throws -> ChatRequest
  ) throws {
    self.body = body
    let all = (previous?.messages ?? []) + Self.messages(body["input"])
    isStored = body["store"]?.bool ?? true
    isStreamed = body["stream"]?.bool ?? false
    isInBackground = body["background"]?.bool ?? false
    guard !isInBackground || isStored else {
      throw APIError.invalid("background", "'background' needs 'store': true, to be found again.")
    }
    guard !isInBackground || !isStreamed else {
      throw APIError.unsupported("stream", "'stream' and 'background' exclude each other here.")
    }
    guard Self.reportsLikelihoods(body) || body["top_logprobs"]?.integer ?? 0 == 0 else {
      throw APIError.invalid(
        "top_logprobs", "'top_logprobs' needs 'include' with 'message.output_text.logprobs'.")
    }
    let instructions = body["instructions"]?.string.map { [Self.message("system", $0)] } ?? []
    (chat, messages) = try Self.fitting(all, cuts: body["truncation"]?.string == "auto") {
      try read(Self.chatBody(body, instructions + $0))
    }
  }

  /// The chat over all messages, or over the latest that fit where it `cuts`.
  ///
  /// A try takes as long as the chat is long, so the cut is found by bisection.
  private static func fitting(
    _ messages: [JSONValue], cuts: Bool, _ read: ([JSONValue]) throws -> ChatRequest
  ) throws -> (chat: ChatRequest, messages: [JSONValue]) {
    var (low, high) = (0, messages.count)
    var found: (chat: ChatRequest, messages: [JSONValue])?
    var start = 0
    while low < high {
      try Task.checkCancellation()
      let rest = Array(messages[start...])
      do {
        found = (try read(rest), rest)
        high = start
      } catch let error as APIError where error.code == "context_length_exceeded" && cuts {
        low = start + 1
        if low == messages.count { throw error }
      }
      start = (low + high) / 2
    }
    return try found ?? (read(messages), messages)
  }

  private static func message(_ role: String, _ content: String) -> JSONValue {
    .object([("role", .string(role)), ("content", .string(content))])
  }

  private static func reportsLikelihoods(_ body: JSONValue) -> Bool {
    (body["include"]?.array ?? []).contains { $0.string == "message.output_text.logprobs" }
  }

  // MARK: To chat completions

  private static func chatBody(_ body: JSONValue, _ messages: [JSONValue]) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [("messages", .array(messages))]
    for name in ["temperature", "top_p", "max_output_tokens", "parallel_tool_calls"] {
      if let value = body[name] { members.append((name, value)) }
    }
    if let effort = body["reasoning"]?["effort"] { members.append(("reasoning_effort", effort)) }
    if reportsLikelihoods(body) {
      members.append(("logprobs", .bool(true)))
      if let top = body["top_logprobs"] { members.append(("top_logprobs", top)) }
    }
    if let tools = body["tools"]?.array, !tools.isEmpty {
      members.append(("tools", .array(tools.map(tool))))
    }
    if let choice = body["tool_choice"] { members.append(("tool_choice", Self.choice(choice))) }
    if let format = body["text"]?["format"] { members.append(("response_format", format)) }
    return .object(members)
  }

  /// A choice of tools as chat completions have it: names stand within functions there.
  private static func choice(_ choice: JSONValue) -> JSONValue {
    func function(_ name: JSONValue?) -> JSONValue {
      .object([
        ("type", .string("function")), ("function", .object([("name", name ?? .string(""))])),
      ])
    }
    switch choice["type"]?.string {
    case "function": return function(choice["name"])
    case "allowed_tools":
      let tools = (choice["tools"]?.array ?? []).map { function($0["name"]) }
      let allowed = JSONValue.object([
        ("mode", choice["mode"] ?? .string("auto")), ("tools", .array(tools)),
      ])
      return .object([("type", .string("allowed_tools")), ("allowed_tools", allowed)])
    default: return choice
    }
  }

  private static func tool(_ tool: JSONValue) -> JSONValue {
    let function = (tool.members ?? []).filter { $0.key != "type" }
    return .object([("type", .string("function")), ("function", .object(function))])
  }

  /// The items of an input as messages.
  static func messages(_ input: JSONValue?) -> [JSONValue] {
    if let text = input?.string { return [message("user", text)] }
    return (input?.array ?? []).map { item in
      switch item["type"]?.string {
      case "function_call":
        return call(
          id: item["call_id"]?.string ?? "", name: item["name"]?.string ?? "",
          arguments: item["arguments"]?.string ?? "")
      case "function_call_output":
        return .object([
          ("role", .string("tool")), ("tool_call_id", item["call_id"] ?? .string("")),
          ("content", .string(Conversation.text(item["output"]) ?? "")),
        ])
      default:
        return message(item["role"]?.string ?? "user", Conversation.text(item["content"]) ?? "")
      }
    }
  }

  static func call(id: String, name: String, arguments: String) -> JSONValue {
    .object([
      ("role", .string("assistant")), ("content", .string("")),
      (
        "tool_calls",
        .array([
          .object([
            ("id", .string(id)), ("type", .string("function")),
            (
              "function",
              .object([("name", .string(name)), ("arguments", .string(arguments))])
            ),
          ])
        ])
      ),
    ])
  }
}
