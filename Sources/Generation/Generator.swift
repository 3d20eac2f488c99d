internal import PrimerLayers
public import PrimerModels
internal import PrimerTensors
public import PrimerTokenizers

/// Why a text ended.
public enum FinishReason: String, Sendable, Codable {
  /// The model ended it, or a stop string came.
  case stop
  /// It reached the most tokens asked for.
  case length
}

/// What came of a request.
public struct GeneratedText: Sendable {
  public let text: String
  /// The tokens chosen, the one that ended the text included.
  public let tokens: [Int32]
  public let finishReason: FinishReason
  public let promptTokens: Int
}

/// Continues texts with a model and its tokenizer.
public struct TextGenerator: Sendable {
  public let model: any LanguageModel
  public let tokenizer: Tokenizer

  public init(_ model: any LanguageModel, _ tokenizer: Tokenizer) throws {
    guard tokenizer.vocabularySize <= model.vocabulary else {
      throw GenerationError.vocabularyMismatch(
        tokenizer: tokenizer.vocabularySize, model: model.vocabulary)
    }
    self.model = model
    self.tokenizer = tokenizer
  }

  /// Continues `prompt`, handing text to `stream` as it becomes certain; `stream` returns false to
  /// stop early.
  public func generate(
    _ prompt: [Int32], maxTokens: Int, _ settings: SamplingSettings, stops: [String] = [],
    stream: (String) -> Bool = { _ in true }
  ) throws -> GeneratedText {
    try settings.check()
    let prompt = try checked(prompt)
    return withoutGradients {
      var sampler = Sampler(settings)
      var reader = WindowedReader(model, prompt, maxTokens: maxTokens)
      var output = TextStream(stops: stops)
      var (tokens, text): ([Int32], String) = ([], "")
      var reason = FinishReason.length
      while tokens.count < maxTokens {
        let logits = reader.logits(limit: tokenizer.vocabularySize)
        let token = sampler.next(logits, seen: prompt + tokens)
        tokens.append(token)
        if token == tokenizer.endOfText {
          reason = .stop
          break
        }
        let piece = output.append(tokenizer.decodeBytes([token]))
        text += piece
        let goesOn = piece.isEmpty || stream(piece)
        if output.isStopped || !goesOn {
          reason = .stop
          break
        }
        reader.append(token)
      }
      let rest = output.isStopped ? "" : output.finish()
      text += rest
      if !rest.isEmpty { _ = stream(rest) }
      return GeneratedText(
        text: text, tokens: tokens, finishReason: reason, promptTokens: prompt.count)
    }
  }

  func checked(_ prompt: [Int32]) throws -> [Int32] {
    var prompt = prompt
    if prompt.isEmpty, let start = tokenizer.endOfText { prompt = [start] }
    guard !prompt.isEmpty else { throw GenerationError.emptyPrompt }
    guard prompt.count <= model.context else {
      throw GenerationError.promptTooLong(tokens: prompt.count, context: model.context)
    }
    return prompt
  }
}

extension LanguageModel {
  /// Reads `tokens` behind what `sequence` has, in chunks; logits [1, vocabulary] of the next token.
  /// The cache must have room.
  func read(_ tokens: [Int32], into sequence: CachedSequence, chunk: Int = 512) -> Tensor {
    var start = 0
    while true {
      let part = Array(tokens[start..<min(start + chunk, tokens.count)])
      precondition(sequence.reserve(part.count), "no room for \(part.count) tokens in the cache")
      let pass = ForwardPass(cached: CachedBatch([(sequence, part.count)]))
      let input = Tensor(part, shape: [1, part.count])
      start += part.count
      if start == tokens.count { return nextLogits(input, pass) }
      _ = hidden(input, pass)
      pass.cached?.advance()
    }
  }
}

extension LanguageModel {
  /// One token more for each sequence; logits [sequences, vocabulary].
  func readNext(_ tokens: [Int32], into sequences: [CachedSequence]) -> Tensor {
    for sequence in sequences {
      precondition(sequence.reserve(1), "no room for a token in the cache")
    }
    let pass = ForwardPass(cached: CachedBatch(sequences.map { ($0, 1) }))
    return nextLogits(Tensor(tokens, shape: [1, tokens.count]), pass)
  }
}

/// Reads a growing text with a key-value cache. When the context is full, the older half is dropped
/// and the rest read anew.
struct WindowedReader {
  private let model: any LanguageModel
  private var tokens: [Int32]
  private var unread: [Int32]
  private let sequence: CachedSequence
  private let capacity: Int

  init(_ model: any LanguageModel, _ prompt: [Int32], maxTokens: Int) {
    self.model = model
    tokens = prompt
    unread = prompt
    capacity = min(model.context, prompt.count + max(1, maxTokens))
    sequence = CachedSequence(model.makeCache(capacity: capacity))
  }

  mutating func append(_ token: Int32) {
    tokens.append(token)
    unread.append(token)
  }

  /// Logits of the next token, of the first `limit` tokens of the vocabulary.
  mutating func logits(limit: Int) -> [Float] {
    if sequence.length + unread.count > capacity {
      unread = Array(tokens.suffix(max(1, capacity / 2)))
      sequence.truncate(to: 0)
    }
    defer { unread = [] }
    return Array(model.read(unread, into: sequence).scalars.prefix(limit))
  }
}
