import Foundation
import PrimerGeneration
import PrimerTokenizers

/// A response on its way: text becomes a message, each call an item of its own. Gives the events that a
/// stream tells, in the order of OpenAI's specification.
struct ResponseAnswer: Sendable {
  private struct Item {
    let id: String
    /// nil: a message.
    var call: (id: String, name: String)?
    var text = ""
    var logProbabilities: [JSONValue] = []
  }

  typealias Event = [(key: String, value: JSONValue)]

  private let request: ResponseRequest
  private let head: AnswerHead
  private var reader: AnswerReader
  private var items: [Item] = []
  private var isOpen = false
  private var pending: [TokenChoice] = []
  private var reason: FinishReason?
  private var failure: APIError?
  private var isCancelled = false
  private var usage: TextUsage?
  private var sequence = 0

  init(_ request: ResponseRequest, _ head: AnswerHead) {
    self.request = request
    self.head = head
    reader = AnswerReader(request.chat.reading)
  }

  mutating func begin() -> [JSONValue] {
    ["response.created", "response.in_progress"].map {
      event($0, [("response", document)])
    }
  }

  mutating func take(_ event: TextEvent) -> [JSONValue] {
    switch event {
    case .text(let text, let choices, _):
      pending += choices
      return reader.append(text).flatMap { take($0) }
    case .finished(let reason, let usage):
      var events = reader.finish().flatMap { take($0) }
      if items.isEmpty { events += take(.text("")) }
      events += close(isLast: true, reason)
      self.reason = reason
      self.usage = usage
      let name = reason == .length ? "response.incomplete" : "response.completed"
      return events + [self.event(name, [("response", document)])]
    }
  }

  /// The last event of an answer that goes no further.
  mutating func fail(_ error: APIError) -> JSONValue {
    failure = error
    return event(
      "error",
      [
        ("code", error.code.map { .string($0) } ?? .null), ("message", .string(error.message)),
        ("param", error.parameter.map { .string($0) } ?? .null),
      ])
  }

  /// It goes no further because nobody wants it any more.
  mutating func cancel() { isCancelled = reason == nil }

  private mutating func take(_ piece: AnswerPiece) -> [JSONValue] {
    switch piece {
    case .text(let text):
      let events = isOpen && items.last?.call == nil ? [] : close() + open(call: nil)
      return events + [add(text, "response.output_text.delta")]
    case .call(_, let name):
      return close() + open(call: (Self.id("call_"), name))
    case .arguments(_, let text):
      return [add(text, "response.function_call_arguments.delta")]
    }
  }

  private mutating func open(call: (id: String, name: String)?) -> [JSONValue] {
    items.append(Item(id: Self.id(call == nil ? "msg_" : "fc_"), call: call))
    isOpen = true
    let added = event(
      "response.output_item.added",
      [("output_index", .integer(items.count - 1)), ("item", Self.document(items.last!, .null))])
    guard call == nil else { return [added] }
    return [
      added,
      event("response.content_part.added", place + [("part", Self.part("", []))]),
    ]
  }

  private mutating func add(_ text: String, _ name: String) -> JSONValue {
    items[items.count - 1].text += text
    let isText = items.last?.call == nil
    let likely = isText && request.chat.includesLogProbabilities ? logProbabilities() : []
    items[items.count - 1].logProbabilities += likely
    return event(
      name,
      (isText ? place : [place[0], place[1]]) + [("delta", .string(text))]
        + (isText ? [("logprobs", .array(likely))] : []))
  }

  private mutating func close(isLast: Bool = false, _ reason: FinishReason = .stop) -> [JSONValue] {
    guard isOpen, let item = items.last else { return [] }
    isOpen = false
    let status = isLast && reason == .length ? "incomplete" : "completed"
    let done = (
      key: "item", value: Self.document(item, .string(status))
    )
    var events: [JSONValue] = []
    if let call = item.call {
      events.append(
        event(
          "response.function_call_arguments.done",
          [place[0], place[1], ("name", .string(call.name)), ("arguments", .string(item.text))]))
    } else {
      let likely = JSONValue.array(item.logProbabilities)
      events.append(
        event(
          "response.output_text.done",
          place + [("text", .string(item.text)), ("logprobs", likely)]))
      events.append(
        event(
          "response.content_part.done",
          place + [("part", Self.part(item.text, item.logProbabilities))]))
    }
    let index = (key: "output_index", value: JSONValue.integer(items.count - 1))
    return events + [event("response.output_item.done", [index, done])]
  }

  /// Where the open item and its part are.
  private var place: Event {
    [
      ("item_id", .string(items.last?.id ?? "")), ("output_index", .integer(items.count - 1)),
      ("content_index", .integer(0)),
    ]
  }

  private mutating func event(_ type: String, _ members: Event) -> JSONValue {
    defer { sequence += 1 }
    return .object([("type", .string(type)), ("sequence_number", .integer(sequence))] + members)
  }

  private mutating func logProbabilities() -> [JSONValue] {
    defer { pending = [] }
    let document = LogProbabilities.document(pending, request.chat.model.tokenizer)
    return document["content"]?.array ?? []
  }

  private static func id(_ prefix: String) -> String {
    prefix + UUID().uuidString.replacing("-", with: "").lowercased()
  }

  // MARK: Documents

  private static func part(_ text: String, _ logProbabilities: [JSONValue]) -> JSONValue {
    .object([
      ("type", .string("output_text")), ("text", .string(text)), ("annotations", .array([])),
      ("logprobs", .array(logProbabilities)),
    ])
  }

  private static func document(_ item: Item, _ status: JSONValue) -> JSONValue {
    var shown = status
    if case .null = shown { shown = .string("in_progress") }
    if let call = item.call {
      return .object([
        ("id", .string(item.id)), ("type", .string("function_call")),
        ("call_id", .string(call.id)), ("name", .string(call.name)),
        ("arguments", .string(item.text)), ("status", shown),
      ])
    }
    // A message that has just been opened has no parts yet.
    var content: [JSONValue] = [part(item.text, item.logProbabilities)]
    if case .null = status { content = [] }
    return .object([
      ("id", .string(item.id)), ("type", .string("message")), ("role", .string("assistant")),
      ("content", .array(content)), ("status", shown),
    ])
  }

  /// The code of the specification that an answer fails with.
  static let failureCode = "server_error"

  private var status: String {
    if let reason { return reason == .length ? "incomplete" : "completed" }
    return failure != nil ? "failed" : isCancelled ? "cancelled" : "in_progress"
  }

  var document: JSONValue {
    let isOver = failure != nil || isCancelled
    let output = items.map {
      Self.document($0, .string(isOver ? "incomplete" : status))
    }
    let body = request.body
    func asked(_ name: String, _ standard: JSONValue) -> (key: String, value: JSONValue) {
      (name, body[name] ?? standard)
    }
    return .object(
      [
        ("id", .string(head.id)), ("object", .string("response")),
        ("created_at", .integer(head.created)), ("status", .string(status)),
        (
          "error",
          failure.map {
            .object([
              ("code", .string(Self.failureCode)), ("message", .string($0.message)),
            ])
          } ?? .null
        ), ("background", .bool(request.isInBackground)),
        (
          "incomplete_details",
          reason == .length ? .object([("reason", .string("max_output_tokens"))]) : .null
        ),
        asked("instructions", .null), asked("max_output_tokens", .null),
        ("model", .string(head.model)), ("output", .array(output)),
        asked("parallel_tool_calls", .bool(true)), asked("previous_response_id", .null),
        asked("reasoning", .object([("effort", .null), ("summary", .null)])),
        ("store", .bool(request.isStored)), asked("temperature", .integer(1)),
        asked("text", .object([("format", .object([("type", .string("text"))]))])),
        asked("tool_choice", .string("auto")),
        ("tools", .array((body["tools"]?.array ?? []).map(Self.whole))),
        asked("top_p", .integer(1)), asked("truncation", .string("disabled")),
        asked("metadata", .object([])),
      ] + (usage.map { [("usage", $0.responseDocument)] } ?? []))
  }

  /// A tool with the fields that the specification wants of it, given or not.
  private static func whole(_ tool: JSONValue) -> JSONValue {
    let given = tool.members ?? []
    let missing: [(key: String, value: JSONValue)] = [
      ("parameters", .null), ("strict", .bool(true)),
    ]
    return .object(given + missing.filter { member in !given.contains { $0.key == member.key } })
  }

  /// For the store, once it is finished.
  var stored: StoredResponse {
    let answers = items.map { item -> JSONValue in
      if let call = item.call {
        return ResponseRequest.call(id: call.id, name: call.name, arguments: item.text)
      }
      return .object([("role", .string("assistant")), ("content", .string(item.text))])
    }
    return StoredResponse(
      document: document, input: request.body["input"] ?? .null,
      messages: request.messages + answers)
  }
}

extension TextUsage {
  fileprivate var responseDocument: JSONValue {
    .object([
      ("input_tokens", .integer(prompt)),
      (
        "input_tokens_details",
        .object([("cached_tokens", .integer(cached)), ("cache_write_tokens", .integer(0))])
      ),
      ("output_tokens", .integer(completion)),
      ("output_tokens_details", .object([("reasoning_tokens", .integer(0))])),
      ("total_tokens", .integer(prompt + completion)),
    ])
  }
}
