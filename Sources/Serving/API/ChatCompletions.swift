import Foundation
import Hummingbird
import PrimerGeneration
import PrimerTokenizers

/// `POST /v1/chat/completions`.
struct ChatCompletions: Sendable {
  let models: ModelShelf
  let meters: ServiceMeters

  var route: Route {
    Route(
      .post, "/v1/chat/completions", "Answers a conversation.", access: .scope(.inference),
      body: ChatFields.body, answer: ChatAnswerFields.completion, events: ChatAnswerFields.stream,
      respond)
  }

  private func respond(_ call: Call) async throws -> Response {
    let model = try await models.model(call.body["model"]?.string ?? "")
    let request = try ChatRequest(call.body, model, user: call.caller.user)
    let texts = try await TextGroup.begin(
      request.order, count: request.count, model, meters)
    let head = AnswerHead("chatcmpl-", model)
    guard request.isStreamed else {
      let answers = try await whileConnected(call.context.channel) {
        try await Self.collect(texts, request)
      }
      return Response(json: Self.document(answers, head, request))
    }
    return ServerSentEvents.response(call) { events in
      try await Self.stream(texts, head, request, events)
    }
  }

  // MARK: At once

  private static func collect(_ texts: TextGroup, _ request: ChatRequest) async throws
    -> [ChatAnswer]
  {
    var answers = (0..<request.count).map { _ in ChatAnswer(request) }
    for try await (index, event) in texts.events { _ = answers[index].take(event) }
    return answers
  }

  private static func document(
    _ answers: [ChatAnswer], _ head: AnswerHead, _ request: ChatRequest
  ) -> JSONValue {
    let usage = TextGroup.total(answers.map(\.usage))
    return .object(
      head.members("chat.completion") + [
        ("choices", .array(answers.enumerated().map { $1.choice(index: $0) })),
        ("usage", usage.document), ("service_tier", .string("default")),
        ("metadata", request.metadata),
      ])
  }

  // MARK: In pieces

  private static func stream(
    _ texts: TextGroup, _ head: AnswerHead, _ request: ChatRequest, _ events: EventWriter
  ) async throws {
    var answers = (0..<request.count).map { _ in ChatAnswer(request) }
    func chunk(_ choices: [JSONValue], usage: JSONValue = .null) -> JSONValue {
      .object(
        head.members("chat.completion.chunk") + [("choices", .array(choices))]
          + (request.includesUsage ? [("usage", usage)] : []))
    }
    for index in answers.indices {
      let delta = JSONValue.object([("role", .string("assistant")), ("content", .string(""))])
      try await events.send(chunk([Self.choice(index, delta)]))
    }
    for try await (index, event) in texts.events {
      for delta in answers[index].take(event) {
        try await events.send(
          chunk([Self.choice(index, delta, answers[index].takeLogProbabilities())]))
      }
      if case .finished = event {
        try await events.send(
          chunk([
            Self.choice(
              index, .object([]), answers[index].takeLogProbabilities(),
              reason: .string(answers[index].finishReason))
          ]))
      }
    }
    if request.includesUsage {
      let usage = TextGroup.total(answers.map(\.usage))
      try await events.send(chunk([], usage: usage.document))
    }
    try await events.sendDone()
  }

  private static func choice(
    _ index: Int, _ delta: JSONValue, _ logProbabilities: JSONValue = .null,
    reason: JSONValue = .null
  ) -> JSONValue {
    .object([
      ("index", .integer(index)), ("delta", delta), ("logprobs", logProbabilities),
      ("finish_reason", reason),
    ])
  }
}

/// What all pieces of an answer have in common.
struct AnswerHead: Sendable {
  let id: String
  let created = Int(Date().timeIntervalSince1970)
  let model: String

  init(_ prefix: String, _ model: ServedModel) {
    id = prefix + UUID().uuidString.replacing("-", with: "").lowercased()
    self.model = model.name
  }

  func members(_ object: String) -> [(key: String, value: JSONValue)] {
    [
      ("id", .string(id)), ("object", .string(object)), ("created", .integer(created)),
      ("model", .string(model)),
    ]
  }
}

/// One answer on its way.
struct ChatAnswer: Sendable {
  private let tokenizer: Tokenizer
  private let includesLogProbabilities: Bool
  private var reader: AnswerReader
  private var content = ""
  private var calls: [(id: String, name: String, arguments: String)] = []
  private var choices: [TokenChoice] = []
  private var reason = FinishReason.stop
  private(set) var usage = TextUsage()

  init(_ request: ChatRequest) {
    tokenizer = request.model.tokenizer
    includesLogProbabilities = request.includesLogProbabilities
    reader = AnswerReader(request.reading)
  }

  /// Takes what became known, and gives the deltas to send.
  mutating func take(_ event: TextEvent) -> [JSONValue] {
    switch event {
    case .text(let text, let more, _):
      choices += more
      return reader.append(text).map { take($0) }
    case .finished(let reason, let usage):
      self.reason = reason
      self.usage = usage
      return reader.finish().map { take($0) }
    }
  }

  private mutating func take(_ piece: AnswerPiece) -> JSONValue {
    switch piece {
    case .text(let text):
      content += text
      return .object([("content", .string(text))])
    case .call(let index, let name):
      let id = "call_" + UUID().uuidString.replacing("-", with: "").lowercased().prefix(24)
      calls.append((id, name, ""))
      return Self.delta(
        index,
        [
          ("id", .string(id)), ("type", .string("function")),
          ("function", .object([("name", .string(name)), ("arguments", .string(""))])),
        ])
    case .arguments(let index, let text):
      calls[index].arguments += text
      return Self.delta(index, [("function", .object([("arguments", .string(text))]))])
    }
  }

  private static func delta(
    _ index: Int, _ members: [(key: String, value: JSONValue)]
  ) -> JSONValue {
    .object([("tool_calls", .array([.object([("index", .integer(index))] + members)]))])
  }

  var finishReason: String { calls.isEmpty || reason == .length ? reason.rawValue : "tool_calls" }

  /// The log-probabilities that no piece has told yet.
  mutating func takeLogProbabilities() -> JSONValue {
    defer { choices = [] }
    return includesLogProbabilities ? LogProbabilities.document(choices, tokenizer) : .null
  }

  func choice(index: Int) -> JSONValue {
    var message: [(key: String, value: JSONValue)] = [
      ("role", .string("assistant")),
      ("content", content.isEmpty && !calls.isEmpty ? .null : .string(content)),
      ("refusal", .null),
    ]
    if !calls.isEmpty {
      let documents = calls.map { call in
        JSONValue.object([
          ("id", .string(call.id)), ("type", .string("function")),
          (
            "function",
            .object([("name", .string(call.name)), ("arguments", .string(call.arguments))])
          ),
        ])
      }
      message.append(("tool_calls", .array(documents)))
    }
    return .object([
      ("index", .integer(index)), ("message", .object(message)),
      (
        "logprobs", includesLogProbabilities ? LogProbabilities.document(choices, tokenizer) : .null
      ),
      ("finish_reason", .string(finishReason)),
    ])
  }
}

/// How likely tokens were, as chat completions tell it.
enum LogProbabilities {
  static func document(_ choices: [TokenChoice], _ tokenizer: Tokenizer) -> JSONValue {
    .object([
      (
        "content",
        .array(
          choices.map { choice in
            let top = choice.top.map {
              JSONValue.object(entry($0.token, $0.logProbability, tokenizer))
            }
            return .object(
              entry(choice.token, choice.logProbability, tokenizer)
                + [("top_logprobs", .array(top))])
          })
      ),
      ("refusal", .null),
    ])
  }

  private static func entry(
    _ token: Int32, _ logProbability: Float, _ tokenizer: Tokenizer
  ) -> [(key: String, value: JSONValue)] {
    let bytes = tokenizer.decodeBytes([token])
    return [
      ("token", .string(String(decoding: bytes, as: UTF8.self))),
      ("logprob", finite(logProbability)),
      ("bytes", .array(bytes.map { .integer(Int($0)) })),
    ]
  }

  /// JSON has no infinity; OpenAI writes -9999 for what cannot be.
  static func finite(_ value: Float) -> JSONValue {
    .number(value.isFinite ? Double(value) : -9999)
  }
}

extension TextUsage {
  var document: JSONValue {
    .object([
      ("prompt_tokens", .integer(prompt)), ("completion_tokens", .integer(completion)),
      ("total_tokens", .integer(prompt + completion)),
      ("prompt_tokens_details", .object([("cached_tokens", .integer(cached))])),
      ("completion_tokens_details", .object([("reasoning_tokens", .integer(0))])),
    ])
  }
}
