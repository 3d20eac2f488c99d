import PrimerTokenizers

/// The items that a response was asked with, as they are listed: whole, each with an id.
struct InputItems {
  private let all: [(id: String, item: JSONValue)]

  /// - Parameter input: of a checked request, a text or a list.
  init(_ input: JSONValue, of response: String) {
    let given =
      input.array
      ?? [.object([("role", .string("user")), ("content", .string(input.string ?? ""))])]
    let digits = response.dropFirst("resp_".count)
    all = given.enumerated().map { index, item in
      let kind = item["type"]?.string ?? "message"
      let prefix = ["message": "msg", "function_call": "fc"][kind] ?? "fco"
      let id = "\(prefix)_\(digits)_\(index)"
      return (
        id,
        .object(
          [
            ("type", .string(kind)), ("id", .string(id)), ("status", .string("completed")),
          ] + Self.rest(item, kind))
      )
    }
  }

  private static func rest(_ item: JSONValue, _ kind: String) -> [(key: String, value: JSONValue)] {
    func members(_ names: String...) -> [(key: String, value: JSONValue)] {
      names.map { ($0, item[$0] ?? .string("")) }
    }
    switch kind {
    case "function_call": return members("call_id", "name", "arguments")
    case "function_call_output": return members("call_id", "output")
    default:
      let role = item["role"]?.string ?? "user"
      let type = role == "assistant" ? "output_text" : "input_text"
      let parts =
        item["content"]?.array
        ?? [.object([("type", .string(type)), ("text", item["content"] ?? .string(""))])]
      return [("role", .string(role)), ("content", .array(parts.map(whole)))]
    }
  }

  /// A part with the members that the specification wants of it.
  private static func whole(_ part: JSONValue) -> JSONValue {
    guard part["type"]?.string == "output_text", let members = part.members else { return part }
    let missing: [(key: String, value: JSONValue)] = ["annotations", "logprobs"]
      .filter { part[$0] == nil }.map { ($0, .array([])) }
    return .object(members + missing)
  }

  /// - Throws: `APIError` 400 where `after` names none of the items.
  func page(_ query: JSONValue) throws -> JSONValue {
    var items = query["order"]?.string == "asc" ? all : all.reversed()
    if let after = query["after"]?.string {
      guard let index = items.firstIndex(where: { $0.id == after }) else {
        throw APIError.invalid("after", "'after' names none of these items.")
      }
      items.removeFirst(index + 1)
    }
    let limit = query["limit"]?.integer ?? 20
    let page = items.prefix(limit)
    return .object([
      ("object", .string("list")), ("data", .array(page.map(\.item))),
      ("has_more", .bool(items.count > limit)),
      ("first_id", page.first.map { .string($0.id) } ?? .null),
      ("last_id", page.last.map { .string($0.id) } ?? .null),
    ])
  }
}
