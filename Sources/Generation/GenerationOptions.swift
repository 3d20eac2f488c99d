public import PrimerTensors

/// What a request for text asks for, beside its prompt.
public struct GenerationOptions: Sendable {
  /// What happens to a text that fills the model's context.
  public enum ContextOverflow: String, Sendable, Codable, CaseIterable {
    /// It ends there, with the reason `length`.
    case stop
    /// The older half of prompt and text is forgotten, and the rest read anew.
    case dropOldHalf = "drop-old-half"
  }

  /// Default 256.
  public var maxTokens = 256
  public var sampling = SamplingSettings()
  /// The text ends before any of these. Default none.
  public var stops: [String] = []
  /// Default `stop`.
  public var contextOverflow = ContextOverflow.stop
  /// How many alternatives to report beside each token chosen, at most 100. Default nil: report no
  /// probabilities at all.
  public var topLogProbabilities: Int?
  /// Default nil: a token a pass.
  public var speculation: Speculation?
  /// Tokens of a prompt that are read in one pass; the text does not depend on it. Default 512.
  public var prefillChunk = 512
  /// How the cache stores keys and values, where no `CachedText` brings its own. Default f16.
  public var cacheElement = CacheElement.float16

  public init(maxTokens: Int = 256, sampling: SamplingSettings = SamplingSettings()) {
    self.maxTokens = maxTokens
    self.sampling = sampling
  }

  /// Throws where a number makes no sense for a vocabulary of this many tokens.
  public func check(vocabulary: Int) throws {
    try sampling.check()
    func demand(_ condition: Bool, _ text: String) throws {
      if !condition { throw GenerationError.badSetting(text) }
    }
    try demand(maxTokens >= 0, "the most tokens, \(maxTokens), are below 0")
    try demand(prefillChunk > 0, "a prefill chunk of \(prefillChunk) tokens is below 1")
    if let top = topLogProbabilities {
      try demand((0...100).contains(top), "\(top) top log-probabilities are not between 0 and 100")
    }
    if let speculation {
      try demand(
        (1...64).contains(speculation.longest),
        "drafts of \(speculation.longest) tokens are not between 1 and 64")
    }
    for token in sampling.logitBias.keys.sorted() where token >= vocabulary {
      throw GenerationError.badSetting(
        "logit bias of token \(token), beyond the vocabulary of \(vocabulary)")
    }
  }
}

/// Why a text ended.
public enum FinishReason: String, Sendable, Codable {
  /// The model ended it, or a stop string came, or its reader had enough.
  case stop
  /// It reached the most tokens asked for, or the model's context.
  case length
}

/// What came of a request.
public struct GeneratedText: Sendable {
  public var text: String
  /// The tokens chosen, the one that ended the text included.
  public var tokens: [Int32]
  public var finishReason: FinishReason
  public var promptTokens: Int
  /// How likely each token was, where asked for.
  public var choices: [TokenChoice] = []
  /// ln p of the text in the model's own distribution, where a search worked it out.
  public var logProbability: Double?
  /// Whether the text filled the context, and so ended or lost its older half.
  public var filledContext = false
  /// Tokens that were drafted, and those of them that were right.
  public var drafted = 0
  public var accepted = 0
}
