import PrimerTokenizers

/// What `POST /v1/chat/completions` answers, whole and in pieces.
enum ChatAnswerFields {
  static let completion = Shape.named(
    "ChatCompletion",
    .object(
      head("chat.completion") + [
        Field("choices", .list(choice), required: true),
        Field("usage", usage, required: true),
        Field("service_tier", .choice(["default"]), required: true),
        Field("metadata", .nullable(metadata), required: true, "As the request has it."),
      ]))

  static let chunk = Shape.named(
    "ChatCompletionChunk",
    .object(
      head("chat.completion.chunk") + [
        Field("choices", .list(pieceOfChoice), required: true, "None in the chunk of the usage."),
        Field(
          "usage", .nullable(usage),
          "With stream_options.include_usage: null in every chunk but the last."),
      ]))

  static let stream = EventStream(data: chunk, mark: "[DONE]")

  /// What answers of chat completions and completions begin with.
  static func head(_ object: String) -> [Field] {
    [
      Field("id", .string(), required: true),
      Field("object", .choice([object]), required: true),
      Field("created", .integer(), required: true, "Seconds since 1970."),
      Field("model", .string(), required: true),
    ]
  }

  static let metadata = Shape.map(.string(longest: 512), longest: 16)

  // MARK: Choices

  private static let choice = Shape.named(
    "ChatCompletionChoice",
    .object([
      Field("index", .integer(), required: true),
      Field("message", message, required: true),
      Field("logprobs", .nullable(logProbabilities), required: true),
      Field("finish_reason", .choice(reasons), required: true),
    ]))

  private static let pieceOfChoice = Shape.named(
    "ChatCompletionChunkChoice",
    .object([
      Field("index", .integer(), required: true),
      Field("delta", delta, required: true, "What is new; empty in the last chunk of an answer."),
      Field("logprobs", .nullable(logProbabilities), required: true),
      Field("finish_reason", .nullable(.choice(reasons)), required: true),
    ]))

  private static let reasons = ["stop", "length", "tool_calls"]

  private static let message = Shape.named(
    "ChatCompletionMessage",
    .object([
      Field("role", .choice(["assistant"]), required: true),
      Field("content", .nullable(.string()), required: true, "null beside calls without text."),
      Field("refusal", .nullable(.string()), required: true),
      Field("tool_calls", .list(call)),
    ]))

  private static let call = Shape.object([
    Field("id", .string(), required: true),
    Field("type", .choice(["function"]), required: true),
    Field(
      "function",
      .object([
        Field("name", .string(), required: true),
        Field("arguments", .string(), required: true, "JSON, unless the answer was cut."),
      ]), required: true),
  ])

  private static let delta = Shape.object([
    Field("role", .choice(["assistant"])), Field("content", .string()),
    Field("tool_calls", .list(pieceOfCall)),
  ])

  private static let pieceOfCall = Shape.object([
    Field("index", .integer(), required: true), Field("id", .string()),
    Field("type", .choice(["function"])),
    Field(
      "function",
      .object([Field("name", .string()), Field("arguments", .string(), required: true)]),
      required: true),
  ])

  // MARK: Numbers

  private static let likelihood: [Field] = [
    Field("token", .string(), required: true),
    Field("logprob", .number(), required: true, "-9999 for what cannot be."),
    Field("bytes", .nullable(.list(.integer(0...255))), required: true),
  ]

  static let tokenLikelihood = Shape.named(
    "TokenLogprob",
    .object(likelihood + [Field("top_logprobs", .list(.object(likelihood)), required: true)]))

  private static let logProbabilities = Shape.object([
    Field("content", .nullable(.list(tokenLikelihood)), required: true),
    Field("refusal", .nullable(.list(tokenLikelihood)), required: true),
  ])

  static let usage = Shape.named(
    "Usage",
    .object([
      Field("prompt_tokens", .integer(0 ... .max), required: true),
      Field("completion_tokens", .integer(0 ... .max), required: true),
      Field("total_tokens", .integer(0 ... .max), required: true),
      Field(
        "prompt_tokens_details",
        .object([
          Field(
            "cached_tokens", .integer(0 ... .max), required: true, "Known from earlier prompts.")
        ]),
        required: true),
      Field(
        "completion_tokens_details",
        .object([Field("reasoning_tokens", .integer(0 ... .max), required: true)]), required: true),
    ]))
}
