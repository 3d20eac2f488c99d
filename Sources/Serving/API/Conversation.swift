import PrimerTokenizers

/// Messages of a request as a chat template reads them.
struct Conversation {
  private(set) var messages: [JinjaValue]
  /// What the template gets as `tools`; nil: none, or the template does not know of tools and a system
  /// message describes them.
  private(set) var tools: [JinjaValue]?

  init(messages: [JSONValue], tools choice: ToolChoice, template: ChatTemplate) {
    let knowsTools = template.source.contains("tools")
    self.messages = messages.map { Self.message($0, knowsTools) }
    guard !choice.offered.isEmpty else { return }
    if knowsTools {
      tools = choice.offered.map { JinjaValue($0) }
    } else {
      describe(choice.offered)
    }
  }

  /// Tools in words, before or in the system message.
  private mutating func describe(_ tools: [JSONValue]) {
    let text =
      "You may call functions. They are, as JSON:\n<tools>\n"
      + tools.map(\.text).joined(separator: "\n")
      + "\n</tools>\nTo call one, answer with its name and its arguments as JSON between tags:\n"
      + "<tool_call>\n{\"name\": ..., \"arguments\": {...}}\n</tool_call>"
    if let first = messages.first, case .string("system")? = first["role"],
      case .string(let content)? = first["content"]
    {
      messages[0] = ["role": "system", "content": .string(content + "\n\n" + text)]
    } else {
      messages.insert(["role": "system", "content": .string(text)], at: 0)
    }
  }

  private static func message(_ message: JSONValue, _ knowsTools: Bool) -> JinjaValue {
    let role = message["role"]?.string ?? "user"
    let content = text(message["content"]) ?? message["refusal"]?.string
    let calls = message["tool_calls"]?.array ?? []
    var members: [(key: String, value: JinjaValue)] = [
      ("role", .string(role == "developer" ? "system" : role)),
      ("content", .string(content ?? "")),
    ]
    if let name = message["name"]?.string { members.append(("name", .string(name))) }
    if !knowsTools {
      if role == "tool" {
        let text = "<tool_response>\n\(content ?? "")\n</tool_response>"
        return ["role": "user", "content": .string(text)]
      }
      if !calls.isEmpty {
        let text = [content ?? ""] + calls.map(spelled)
        members[1].value = .string(text.filter { !$0.isEmpty }.joined(separator: "\n"))
      }
      return .dictionary(members)
    }
    if let id = message["tool_call_id"]?.string { members.append(("tool_call_id", .string(id))) }
    if !calls.isEmpty { members.append(("tool_calls", .list(calls.map(call)))) }
    return .dictionary(members)
  }

  /// The text of a string or of its parts.
  static func text(_ content: JSONValue?) -> String? {
    if let text = content?.string { return text }
    return content?.array?.compactMap { ($0["text"] ?? $0["refusal"])?.string }.joined()
  }

  /// A call with its arguments as an object: templates write them out themselves.
  private static func call(_ call: JSONValue) -> JinjaValue {
    let function = call["function"]
    let text = function?["arguments"]?.string ?? ""
    let arguments = (try? JinjaValue(json: text)) ?? .string(text)
    return [
      "id": .string(call["id"]?.string ?? ""), "type": "function",
      "function": [
        "name": .string(function?["name"]?.string ?? ""), "arguments": arguments,
      ],
    ]
  }

  private static func spelled(_ call: JSONValue) -> String {
    let function = call["function"]
    let name = JSONValue.quoted(function?["name"]?.string ?? "")
    let arguments = function?["arguments"]?.string ?? "{}"
    return "<tool_call>\n{\"name\": \(name), \"arguments\": \(arguments)}\n</tool_call>"
  }
}
