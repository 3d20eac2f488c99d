import PrimerGeneration

/// What one text should be.
struct TextOrder: Sendable {
  var prompt: [Int32]
  var options: GenerationOptions
  /// What the text has to look like; each text begins its own.
  var constraint: CompiledConstraint?
  /// Whether tokens that end a text are struck out, so that it is as long as asked for.
  var ignoresEnd = false
  /// Queues are fair between users.
  var user: String
}

/// What becomes known of a text, in order; the last one is `finished`.
enum TextEvent: Sendable {
  /// Text that is certain, the choices of tokens since the event before, where asked for, and how
  /// many tokens there are so far.
  case text(String, [TokenChoice], tokens: Int)
  case finished(FinishReason, TextUsage)
}

/// Tokens that a text took.
struct TextUsage: Sendable, Equatable {
  var prompt = 0
  /// Tokens of the prompt that were known from before.
  var cached = 0
  var completion = 0

  static func + (a: TextUsage, b: TextUsage) -> TextUsage {
    TextUsage(
      prompt: a.prompt + b.prompt, cached: a.cached + b.cached,
      completion: a.completion + b.completion)
  }
}

/// Writes texts with one model, many at a time.
protocol TextEngine: Sendable {
  typealias Events = AsyncThrowingStream<TextEvent, any Error>

  /// Begins a text; whoever drops the events gives it up.
  ///
  /// Throws `APIError` 429 with the time to wait where the queue is too long, and `GenerationError`
  /// where the order makes no sense.
  func write(_ order: TextOrder) async throws -> Events
  /// Mean of the last hidden states of tokens [width].
  func embedding(_ tokens: [Int32], user: String) async throws -> [Float]
  /// ln p of each token but the first, given those before, with the `top` likeliest beside each.
  func scores(_ tokens: [Int32], top: Int, user: String) async throws -> [TokenChoice]
  /// Ends all texts that are being written, by an `APIError` 503.
  func end()
  /// What it is doing; never waits for it.
  var load: EngineLoad { get }
}

/// What an engine has to do.
struct EngineLoad: Sendable {
  var running = 0
  var waiting = 0
  /// Share of the pages of the key-value cache that are in use.
  var cacheUsage = 0.0
  /// Written by all texts together.
  var tokensPerSecond = 0.0
  /// Seconds that a newcomer would wait.
  var wait = 0.0
  /// Tokens of prompts so far, and those of them that were known from before.
  var promptTokens = 0
  var cachedTokens = 0
  var preemptions = 0
  /// Times that the model was run.
  var passes = 0
}
