import PrimerGeneration
import PrimerModels
import PrimerTokenizers

/// A checked request for chat completions, as the engine needs it.
struct ChatRequest: Sendable {
  let model: ServedModel
  let order: TextOrder
  let count: Int
  let reading: AnswerReading
  let isStreamed: Bool
  let includesUsage: Bool
  let includesLogProbabilities: Bool
  let metadata: JSONValue

  init(_ body: JSONValue, _ model: ServedModel, user: String) throws {
    guard let assistant = model.assistant else {
      throw APIError.invalid(
        "model", "This model has no chat template; continue texts with /v1/completions.",
        code: "no_chat_template")
    }
    self.model = model
    let tools = try ToolChoice(body)
    let conversation = Conversation(
      messages: body["messages"]?.array ?? [], tools: tools, template: assistant.template)
    var rendered = try assistant.template.render(
      messages: conversation.messages, tools: conversation.tools, addGenerationPrompt: true,
      specialTokens: assistant.specialTokens,
      variables: body["reasoning_effort"]?.string == "none" ? ["enable_thinking": false] : [:]
    ).text
    rendered += tools.forcedPrefix
    let prompt = try model.tokenizer.encode(rendered: rendered)
    let most = try Self.mostTokens(body, prompt: prompt.count, context: model.context)
    var options = SamplingFields.options(body, maxTokens: most)
    options.sampling.logitBias = try SamplingFields.biases(
      body, vocabulary: model.tokenizer.vocabularySize)
    includesLogProbabilities = body["logprobs"]?.bool ?? false
    options.topLogProbabilities = try Self.alternatives(body, includesLogProbabilities)
    order = TextOrder(
      prompt: prompt, options: options,
      constraint: try Self.constraint(body, tools, model.constraints),
      ignoresEnd: body["ignore_eos"]?.bool ?? false, user: user)
    reading = tools.reading
    count = body["n"]?.integer ?? 1
    isStreamed = body["stream"]?.bool ?? false
    if body["stream_options"] != nil, !isStreamed {
      throw APIError.invalid("stream_options", "'stream_options' needs 'stream': true.")
    }
    includesUsage = body["stream_options"]?["include_usage"]?.bool ?? false
    metadata = body["metadata"] ?? .null
  }

  static func mostTokens(_ body: JSONValue, prompt: Int, context: Int) throws -> Int {
    guard prompt < context else {
      throw APIError.invalid(
        "messages",
        "The prompt has \(prompt) tokens, and the model's context holds \(context); shorten it.",
        code: "context_length_exceeded")
    }
    let asked =
      (body["max_completion_tokens"] ?? body["max_tokens"]
      ?? body["max_output_tokens"])?.integer
    return min(asked ?? .max, context - prompt)
  }

  private static func alternatives(_ body: JSONValue, _ isAsked: Bool) throws -> Int? {
    let top = body["top_logprobs"]?.integer
    guard isAsked || top == nil else {
      throw APIError.invalid("top_logprobs", "'top_logprobs' needs 'logprobs': true.")
    }
    return isAsked ? top ?? 0 : nil
  }

  private static func constraint(
    _ body: JSONValue, _ tools: ToolChoice, _ shelf: ConstraintShelf
  ) throws -> CompiledConstraint? {
    let format = body["response_format"]
    let schema = try ResponseFormat.schema(format, at: "response_format")
    if let forced = tools.schema {
      guard schema == nil else {
        throw APIError.invalid(
          "response_format", "A forced tool call and a format for the answer exclude each other.")
      }
      return try enforced(forced, at: "tools", shelf)
    }
    return try schema.map { try enforced($0, at: "response_format", shelf) }
  }

  static func enforced(
    _ schema: JSONValue, at parameter: String, _ shelf: ConstraintShelf
  ) throws -> CompiledConstraint {
    do { return try shelf.schema(schema) } catch let error as ConstraintError {
      throw APIError.invalid(parameter, error.description, code: "invalid_schema")
    }
  }
}

/// What an answer has to look like.
enum ResponseFormat {
  static let anyObject = JSONValue.object([("type", .string("object"))])

  /// The schema that a checked format asks for; nil: any text.
  static func schema(_ format: JSONValue?, at parameter: String) throws -> JSONValue? {
    switch format?["type"]?.string {
    case "json_object": return anyObject
    case "json_schema":
      let holder = format?["json_schema"] ?? format
      guard let schema = holder?["schema"] else { return anyObject }
      guard schema.members != nil else {
        throw APIError.invalid(parameter, "The schema of '\(parameter)' should be an object.")
      }
      return schema
    default: return nil
    }
  }
}
