import PrimerGeneration
import PrimerTokenizers

/// Fields that chat completions, completions and responses share, and what they mean to the engine.
enum SamplingFields {
  static let noEffectHere = "nothing here depends on it."

  /// How tokens are drawn.
  static let sampling: [Field] =
    [
      Field(
        "temperature", .number(0...2), default: "1",
        "Divides the logits; 0 takes the likeliest token."),
      Field(
        "top_p", .number(0...1), default: "1",
        "Only the likeliest tokens that together reach this probability; 0 counts as the least above it."
      ),
      Field(
        "seed", .integer(), "Equal requests with equal seeds give equal answers, byte for byte."),
      Field("frequency_penalty", .number(-2...2), default: "0"),
      Field("presence_penalty", .number(-2...2), default: "0"),
      Field(
        "logit_bias", .map(.number(-100...100)),
        "Added to the logits of tokens, by their numbers; -100 bans one."),
      Field(
        "stop", .either([.string(), .list(.string(), count: 1...4)]),
        "The text ends before any of these."),
    ] + extensions

  /// What OpenAI's API has not, under the names that vLLM and llama.cpp give it.
  private static let extensions: [Field] = [
    Field("top_k", .integer(0...1_000_000), default: "0", "Only the k likeliest tokens; 0: all."),
    Field("min_p", .number(0...1), default: "0"),
    Field("repetition_penalty", .number(0.01...10), default: "1"),
    Field(
      "ignore_eos", .boolean, default: "false",
      "Tokens that end a text are never chosen, so that it has the most tokens asked for."),
    Field(
      "cache_prompt", .boolean,
      effect: .ignored("answers never depend on what is cached, and prompts always share.")),
  ]

  /// Who asks; what clients tell a service about themselves.
  static let user = Field(
    "user", .string(), effect: .ignored("users are told apart by their keys."))
  static let identity: [Field] = [
    user,
    Field(
      "safety_identifier", .string(longest: 64),
      effect: .ignored("users are told apart by their keys.")),
  ]

  /// OpenAI's own arrangements.
  static let arrangements: [Field] = [
    Field("prompt_cache_key", .string(), effect: .ignored("equal prompts share without a key.")),
    Field("prompt_cache_retention", .choice(["in_memory", "24h"]), effect: .ignored(noEffectHere)),
    Field("prompt_cache_options", .any, effect: .ignored(noEffectHere)),
    Field(
      "service_tier",
      .choice(["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"]),
      effect: .ignored("there is one tier.")),
    Field(
      "moderation", .any, effect: .refused("ask /v1/moderations about texts.")),
  ]

  static let cacheBreakpoint = Field(
    "prompt_cache_breakpoint", .any, effect: .ignored("equal prompts share without marks."))

  static let streaming: [Field] = [
    Field("stream", .boolean, default: "false", "Whether the answer comes in pieces."),
    Field(
      "stream_options",
      .object([
        Field("include_usage", .boolean, default: "false"),
        Field(
          "include_obfuscation", .boolean,
          effect: .ignored("events are not padded; use TLS in front.")),
      ])),
  ]

  static let metadata = Field(
    "metadata", .map(.string(longest: 512), longest: 16), "Comes back with the answer.")

  /// The options that a checked body asks for.
  static func options(_ body: JSONValue, maxTokens: Int) -> GenerationOptions {
    var sampling = SamplingSettings()
    func real(_ name: String) -> Float? { body[name]?.real.map { Float($0) } }
    sampling.temperature = real("temperature") ?? 1
    sampling.topP = max(real("top_p") ?? 1, .leastNormalMagnitude)
    sampling.topK = body["top_k"]?.integer ?? 0
    sampling.minP = real("min_p") ?? 0
    sampling.repetitionPenalty = real("repetition_penalty") ?? 1
    sampling.frequencyPenalty = real("frequency_penalty") ?? 0
    sampling.presencePenalty = real("presence_penalty") ?? 0
    sampling.seed =
      body["seed"]?.integer.map { UInt64(bitPattern: Int64($0)) }
      ?? UInt64.random(in: .min ... .max)
    var options = GenerationOptions(maxTokens: maxTokens, sampling: sampling)
    options.stops = stops(body["stop"])
    return options
  }

  /// - Throws: 400 for a bias of what is no token.
  static func biases(_ body: JSONValue, vocabulary: Int) throws -> [Int: Float] {
    var biases: [Int: Float] = [:]
    for (key, value) in body["logit_bias"]?.members ?? [] {
      guard let token = Int(key), token >= 0, token < vocabulary else {
        throw APIError.invalid(
          "logit_bias", "'logit_bias' names a token that is no number below \(vocabulary).")
      }
      let bias = value.real ?? 0
      biases[token] = bias <= -100 ? -.infinity : Float(bias)
    }
    return biases
  }

  private static func stops(_ value: JSONValue?) -> [String] {
    let all = value?.string.map { [$0] } ?? value?.array?.compactMap(\.string) ?? []
    return all.filter { !$0.isEmpty }
  }
}
