import Hummingbird
import PrimerGeneration
import PrimerModels
import PrimerTokenizers

/// `POST /v1/completions`.
struct Completions: Sendable {
  let models: ModelShelf
  let meters: ServiceMeters

  var route: Route {
    Route(
      .post, "/v1/completions", "Continues texts.", access: .scope(.inference),
      body: CompletionFields.body, answer: CompletionFields.completion,
      events: EventStream(data: CompletionFields.chunk, mark: "[DONE]"), respond)
  }

  private func respond(_ call: Call) async throws -> Response {
    let model = try await models.model(call.body["model"]?.string ?? "")
    let request = try CompletionRequest(call.body, model, user: call.caller.user)
    let head = AnswerHead("cmpl-", model)
    let echoes = try await whileConnected(call.context.channel) { try await request.echoes() }
    let texts = try await TextGroup.begin(request.orders, model, meters)
    guard request.isStreamed else {
      let answers = try await whileConnected(call.context.channel) {
        var answers = request.answers(echoes)
        for try await (index, event) in texts.events { _ = answers[index].take(event) }
        return answers
      }
      let chosen = request.best(answers)
      let usage = request.usage(answers)
      return Response(
        json: .object(
          head.members("text_completion") + [
            ("choices", .array(chosen.enumerated().map { $1.choice(index: $0) })),
            ("usage", usage.document),
          ]))
    }
    return ServerSentEvents.response(call) { events in
      try await Self.stream(texts, head, request, request.answers(echoes), events)
    }
  }

  private static func stream(
    _ texts: TextGroup, _ head: AnswerHead, _ request: CompletionRequest,
    _ begun: [CompletionAnswer], _ events: EventWriter
  ) async throws {
    var answers = begun
    func chunk(_ choices: [JSONValue], usage: JSONValue = .null) -> JSONValue {
      .object(
        head.members("text_completion") + [("choices", .array(choices))]
          + (request.includesUsage ? [("usage", usage)] : []))
    }
    for index in answers.indices where request.isEchoed {
      try await events.send(chunk([answers[index].takePiece(index: index)]))
    }
    for try await (index, event) in texts.events where answers[index].take(event) {
      try await events.send(chunk([answers[index].takePiece(index: index)]))
    }
    if request.includesUsage {
      try await events.send(chunk([], usage: request.usage(answers).document))
    }
    try await events.sendDone()
  }
}

/// A checked request for completions, as the engine needs it.
struct CompletionRequest: Sendable {
  let model: ServedModel
  let prompts: [[Int32]]
  /// For each prompt so many texts side by side.
  let orders: [TextOrder]
  private let written: Int
  private let wanted: Int
  private let alternatives: Int?
  let isEchoed: Bool
  let isStreamed: Bool
  let includesUsage: Bool

  init(_ body: JSONValue, _ model: ServedModel, user: String) throws {
    self.model = model
    let tokenizer = model.tokenizer
    prompts = try Prompts.tokens(body["prompt"], tokenizer, at: "prompt").map { prompt in
      guard let suffix = body["suffix"]?.string, !suffix.isEmpty else { return prompt }
      return try Prompts.around(prompt, suffix: suffix, tokenizer)
    }
    wanted = body["n"]?.integer ?? 1
    let best = body["best_of"]?.integer ?? 0
    isStreamed = body["stream"]?.bool ?? false
    includesUsage = body["stream_options"]?["include_usage"]?.bool ?? false
    isEchoed = body["echo"]?.bool ?? false
    alternatives = body["logprobs"]?.integer
    written = max(best, wanted)
    guard best == 0 || best == 1 || best >= wanted else {
      throw APIError.invalid("best_of", "'best_of' should be at least 'n'.")
    }
    guard written == wanted || !isStreamed else {
      throw APIError.invalid("best_of", "'best_of' beyond 'n' cannot be streamed.")
    }
    guard prompts.count * written <= 2048 else {
      throw APIError.invalid("prompt", "This asks for more than 2048 texts at once.")
    }
    orders = try Self.orders(
      body, model, prompts, user: user, count: written,
      alternatives: alternatives ?? (written > wanted ? 0 : nil))
  }

  private static func orders(
    _ body: JSONValue, _ model: ServedModel, _ prompts: [[Int32]], user: String, count: Int,
    alternatives: Int?
  ) throws -> [TextOrder] {
    let biases = try SamplingFields.biases(body, vocabulary: model.tokenizer.vocabularySize)
    return try prompts.flatMap { prompt in
      let room = model.context - prompt.count
      guard room >= 0 else {
        throw APIError.invalid(
          "prompt",
          "A prompt has \(prompt.count) tokens, and the context holds \(model.context); shorten it.",
          code: "context_length_exceeded")
      }
      let most = min(body["max_tokens"]?.integer ?? 16, room)
      var options = SamplingFields.options(body, maxTokens: most)
      options.sampling.logitBias = biases
      options.topLogProbabilities = alternatives
      return TextGroup.repeated(
        TextOrder(
          prompt: prompt, options: options, ignoresEnd: body["ignore_eos"]?.bool ?? false,
          user: user), count)
    }
  }

  /// What precedes the texts of each prompt: its tokens, and how likely they were where asked for.
  func echoes() async throws -> [[TokenChoice]] {
    guard isEchoed, let alternatives else { return prompts.map { _ in [] } }
    var all: [[TokenChoice]] = []
    for prompt in prompts {
      all.append(
        prompt.count < 2
          ? []
          : try await model.engine.scores(prompt, top: alternatives, user: orders[0].user))
    }
    return all
  }

  func answers(_ echoes: [[TokenChoice]]) -> [CompletionAnswer] {
    prompts.indices.flatMap { index in
      (0..<written).map { _ in
        CompletionAnswer(
          model.tokenizer, prompt: isEchoed ? prompts[index] : [], echo: echoes[index],
          reports: alternatives != nil)
      }
    }
  }

  /// Of the texts of each prompt the likeliest a token.
  func best(_ answers: [CompletionAnswer]) -> [CompletionAnswer] {
    guard written > wanted else { return answers }
    return prompts.indices.flatMap { index in
      answers[index * written..<(index + 1) * written]
        .sorted { $0.meanLogProbability > $1.meanLogProbability }.prefix(wanted)
    }
  }

  /// Each prompt counts once, every text that was written counts.
  func usage(_ answers: [CompletionAnswer]) -> TextUsage {
    prompts.indices.reduce(TextUsage()) { total, index in
      let group = answers[index * written..<(index + 1) * written].map(\.usage)
      return total + TextGroup.total(group)
    }
  }
}
