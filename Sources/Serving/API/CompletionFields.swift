import PrimerTokenizers

/// The body of `POST /v1/completions`, as OpenAI's specification has it.
enum CompletionFields {
  private static let token = Shape.integer(0...Int(Int32.max))

  /// A text, texts, the tokens of a text, or those of several.
  static let prompts = Shape.either([
    .string(), .list(.string(), count: 1...2048), .list(token, count: 1...Shape.longestList),
    .list(.list(token, count: 1...Shape.longestList), count: 1...2048),
  ])

  static let body = Shape.named(
    "CompletionRequest",
    .object(
      [
        Field("model", .string(longest: 512), required: true, "A name that /v1/models lists."),
        Field("prompt", prompts, required: true),
        Field("suffix", .string(), "The text fills the gap; needs a model with tokens for that."),
        Field("max_tokens", .integer(0 ... .max), default: "16"),
        Field("n", .integer(1...128), default: "1", "How many texts for each prompt."),
        Field(
          "best_of", .integer(0...20), default: "1",
          "So many are written, and the `n` likeliest a token returned."),
        Field("echo", .boolean, default: "false", "The text begins with the prompt."),
        Field("logprobs", .integer(0...5), "How likely tokens were, and so many alternatives."),
      ] + SamplingFields.sampling + SamplingFields.streaming + [SamplingFields.user]))

  // MARK: Answers

  static let completion = Shape.named(
    "Completion",
    .object(
      ChatAnswerFields.head("text_completion") + [
        Field("choices", .list(choice(.choice(reasons))), required: true),
        Field("usage", ChatAnswerFields.usage, required: true),
      ]))

  static let chunk = Shape.named(
    "CompletionChunk",
    .object(
      ChatAnswerFields.head("text_completion") + [
        Field(
          "choices", .list(choice(.nullable(.choice(reasons)))), required: true,
          "None in the chunk of the usage."),
        Field(
          "usage", .nullable(ChatAnswerFields.usage),
          "With stream_options.include_usage: null in every chunk but the last."),
      ]))

  private static let reasons = ["stop", "length"]

  private static func choice(_ reason: Shape) -> Shape {
    .object([
      Field("index", .integer(), required: true), Field("text", .string(), required: true),
      Field("logprobs", .nullable(logProbabilities), required: true),
      Field("finish_reason", reason, required: true),
    ])
  }

  private static let logProbabilities = Shape.named(
    "CompletionLogprobs",
    .object([
      Field("tokens", .list(.string()), required: true),
      Field(
        "token_logprobs", .list(.nullable(.number())), required: true,
        "null for the first token of an echo."),
      Field("top_logprobs", .list(.nullable(.map(.number()))), required: true),
      Field(
        "text_offset", .list(.integer(0 ... .max)), required: true,
        "Where each token begins, in characters from the beginning of the answer."),
    ]))
}

/// Prompts as tokens.
enum Prompts {
  static func tokens(_ value: JSONValue?, _ tokenizer: Tokenizer, at name: String) throws
    -> [[Int32]]
  {
    if let text = value?.string { return [try encode(text, tokenizer)] }
    guard let all = value?.array, let first = all.first else { return [[]] }
    if first.integer != nil { return [try numbers(all, tokenizer, name)] }
    return try all.map { element in
      if let text = element.string { return try encode(text, tokenizer) }
      return try numbers(element.array ?? [], tokenizer, name)
    }
  }

  /// With the tokens that begin a text, where the tokenizer asks for them.
  private static func encode(_ text: String, _ tokenizer: Tokenizer) throws -> [Int32] {
    try tokenizer.encode(rendered: text)
  }

  private static func numbers(
    _ values: [JSONValue], _ tokenizer: Tokenizer, _ name: String
  ) throws -> [Int32] {
    let numbers = values.compactMap(\.integer)
    guard numbers.allSatisfy({ $0 < tokenizer.vocabularySize }) else {
      throw APIError.invalid(
        name, "'\(name)' has a token beyond the vocabulary of \(tokenizer.vocabularySize).")
    }
    return numbers.map { Int32($0) }
  }

  /// A prompt whose answer belongs between it and `suffix`.
  /// - Throws: 400 where the model has no tokens for that.
  static func around(
    _ prompt: [Int32], suffix: String, _ tokenizer: Tokenizer
  ) throws -> [Int32] {
    let spellings = [
      ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
      ("<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
      (
        "<\u{FF5C}fim\u{2581}begin\u{FF5C}>", "<\u{FF5C}fim\u{2581}hole\u{FF5C}>",
        "<\u{FF5C}fim\u{2581}end\u{FF5C}>"
      ),
    ]
    for (before, after, middle) in spellings {
      guard let before = tokenizer.id(of: before), let after = tokenizer.id(of: after),
        let middle = tokenizer.id(of: middle), tokenizer.isSpecial(before)
      else { continue }
      return try [before] + prompt + [after] + tokenizer.encode(suffix, special: .plain) + [middle]
    }
    throw APIError.unsupported("suffix", "'suffix' needs a model with fill-in-the-middle tokens.")
  }
}
