import PrimerTokenizers

/// How the text of an answer is to be read.
enum AnswerReading: Sendable, Equatable {
  /// As it is.
  case text
  /// Calls stand between `<tool_call>` and `</tool_call>`; at most so many, if a number is given.
  case callsAmongText(names: [String], most: Int?)
  /// The text is the arguments of a call of this function.
  case arguments(of: String)
  /// The text is an object with `name` and `arguments`, in this order.
  case call
}

/// Which tools a request offers, and whether one has to be called.
struct ToolChoice: Sendable {
  /// The descriptions that the model sees.
  private(set) var offered: [JSONValue] = []
  /// What the text has to be where a call is forced.
  private(set) var schema: JSONValue?
  private(set) var reading = AnswerReading.text
  /// What the answer begins with where a call is forced.
  private(set) var forcedPrefix = ""

  static let opening = "<tool_call>"
  static let closing = "</tool_call>"

  init(_ body: JSONValue) throws {
    let tools = body["tools"]?.array ?? []
    let choice = body["tool_choice"]
    let mode = choice?.string ?? choice?["type"]?.string ?? "auto"
    guard !tools.isEmpty else {
      if choice != nil, mode != "none", mode != "auto" {
        throw APIError.invalid("tool_choice", "'tool_choice' needs 'tools'.")
      }
      return
    }
    let names = tools.map(Self.name)
    guard Set(names).count == names.count else {
      throw APIError.invalid("tools", "Two tools have the same name.")
    }
    let most = body["parallel_tool_calls"]?.bool == false ? 1 : nil
    switch mode {
    case "none": return
    case "auto": offer(tools, most)
    case "required": force(tools)
    case "function":
      force(try Self.chosen(tools, [choice?["function"]?["name"]?.string ?? ""]))
    default:
      let allowed = choice?["allowed_tools"]
      let wanted = (allowed?["tools"]?.array ?? []).map(Self.name)
      let chosen = try Self.chosen(tools, wanted)
      if allowed?["mode"]?.string == "required" { force(chosen) } else { offer(chosen, most) }
    }
  }

  private mutating func offer(_ tools: [JSONValue], _ most: Int?) {
    offered = tools
    reading = .callsAmongText(names: tools.map(Self.name), most: most)
  }

  private mutating func force(_ tools: [JSONValue]) {
    offered = tools
    guard tools.count > 1 else {
      let name = Self.name(tools[0])
      schema = Self.parameters(tools[0])
      reading = .arguments(of: name)
      forcedPrefix = "\(Self.opening)\n{\"name\": \(JSONValue.quoted(name)), \"arguments\": "
      return
    }
    schema = .object([("anyOf", .array(tools.map(Self.callSchema)))])
    reading = .call
    forcedPrefix = "\(Self.opening)\n"
  }

  private static func callSchema(_ tool: JSONValue) -> JSONValue {
    .object([
      ("type", .string("object")),
      (
        "properties",
        .object([
          ("name", .object([("const", .string(name(tool)))])), ("arguments", parameters(tool)),
        ])
      ),
      ("required", .array([.string("name"), .string("arguments")])),
      ("additionalProperties", .bool(false)),
    ])
  }

  private static func parameters(_ tool: JSONValue) -> JSONValue {
    let given = tool["function"]?["parameters"]
    guard let given, given.members?.isEmpty == false else { return ResponseFormat.anyObject }
    return given
  }

  private static func name(_ tool: JSONValue) -> String {
    tool["function"]?["name"]?.string ?? ""
  }

  private static func chosen(_ tools: [JSONValue], _ names: [String]) throws -> [JSONValue] {
    try names.map { wanted in
      guard let tool = tools.first(where: { name($0) == wanted }) else {
        throw APIError.invalid("tool_choice", "'tool_choice' names a function that 'tools' lacks.")
      }
      return tool
    }
  }
}
