import PrimerTokenizers

/// A checked request for a response: it is a chat completion over the conversation so far.
struct ResponseRequest: Sendable {
  let chat: ChatRequest
  let body: JSONValue
  /// Messages of the conversation, the ones of this request included, without instructions.
  let messages: [JSONValue]
  let isStored: Bool
  let isStreamed: Bool

  init(
    _ body: JSONValue, after previous: StoredResponse?, _ model: ServedModel, user: String
  ) throws {
    self.body = body
    var messages = (previous?.messages ?? []) + Self.messages(body["input"])
    isStored = body["store"]?.bool ?? true
    isStreamed = body["stream"]?.bool ?? false
    let instructions = body["instructions"]?.string.map {
      [Self.message("system", $0)]
    }
    while true {
      do {
        let whole = Self.chatBody(body, (instructions ?? []) + messages)
        chat = try ChatRequest(whole, model, user: user)
        break
      } catch let error as APIError
        where error.code == "context_length_exceeded" && messages.count > 1
        && body["truncation"]?.string == "auto"
      {
        messages.removeFirst()
      }
    }
    self.messages = messages
  }

  private static func message(_ role: String, _ content: String) -> JSONValue {
    .object([("role", .string(role)), ("content", .string(content))])
  }

  // MARK: To chat completions

  private static func chatBody(_ body: JSONValue, _ messages: [JSONValue]) -> JSONValue {
    var members: [(key: String, value: JSONValue)] = [("messages", .array(messages))]
    for name in ["temperature", "top_p", "max_output_tokens", "parallel_tool_calls"] {
      if let value = body[name] { members.append((name, value)) }
    }
    if let effort = body["reasoning"]?["effort"] { members.append(("reasoning_effort", effort)) }
    let reports = body["include"]?.array?.isEmpty == false
    if reports {
      members.append(("logprobs", .bool(true)))
      if let top = body["top_logprobs"] { members.append(("top_logprobs", top)) }
    }
    if let tools = body["tools"]?.array, !tools.isEmpty {
      members.append(("tools", .array(tools.map(tool))))
    }
    if let choice = body["tool_choice"] {
      let named = choice["name"].map { name in
        JSONValue.object([
          ("type", .string("function")), ("function", .object([("name", name)])),
        ])
      }
      members.append(("tool_choice", named ?? choice))
    }
    if let format = body["text"]?["format"] { members.append(("response_format", format)) }
    return .object(members)
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
