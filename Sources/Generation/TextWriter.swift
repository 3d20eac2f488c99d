internal import PrimerTensors
internal import PrimerTokenizers

/// What the next token of a text is chosen by.
enum NextScores {
  /// Of the tokens that the tokenizer can spell, [its vocabulary].
  case logits(Tensor)
  /// The likeliest of them after biases, for a writer that takes it.
  case likeliest(Int32)
}

/// A text while it is being written: chooses its tokens, makes them text and knows when to end.
struct TextWriter {
  private let options: GenerationOptions
  private let tokenizer: Tokenizer
  private let endTokens: Set<Int32>
  private let constraint: (any TokenConstraint)?
  private(set) var sampler: Sampler
  private var output: TextStream
  private(set) var result: GeneratedText
  private(set) var isDone = false

  init(
    _ generator: TextGenerator, _ prompt: [Int32], _ options: GenerationOptions,
    _ constraint: (any TokenConstraint)?
  ) {
    self.options = options
    tokenizer = generator.tokenizer
    endTokens = generator.endTokens
    self.constraint = constraint
    sampler = Sampler(options.sampling, prompt: prompt) { [tokenizer] in
      tokenizer.decodeBytes([$0])
    }
    output = TextStream(stops: options.stops)
    result = GeneratedText(text: "", tokens: [], finishReason: .length, promptTokens: prompt.count)
    isDone = options.maxTokens == 0
  }

  /// Tokens that may still be written.
  var remaining: Int { options.maxTokens - result.tokens.count }

  /// Whether of all logits only the likeliest token after `biases` is wanted.
  var takesLikeliest: Bool {
    constraint == nil && options.topLogProbabilities == nil && sampler.takesLikeliest
  }

  var biases: [Int: Float] { options.sampling.logitBias }

  /// Chooses the next token by `scores`; nil when the text ends without one.
  mutating func next(_ scores: NextScores, _ stream: (String) -> Bool) throws -> Int32? {
    let mask = try mask()
    guard !isDone else { return nil }
    switch scores {
    case .likeliest(let token):
      sampler.take(token)
      try take(token, nil, stream)
      return token
    case .logits(let logits):
      let token = sampler.next(logits, mask: mask)
      try take(token, logits, stream)
      return token
    }
  }

  /// Tokens that may come next; nil: any. Where none may, the text ends if it is allowed to.
  mutating func mask() throws -> TokenMask? {
    guard let constraint else { return nil }
    let mask = constraint.allowed(ending: endTokens)
    if mask.isEmpty {
      guard constraint.isComplete else {
        throw GenerationError.deadEnd(afterTokens: result.tokens.count)
      }
      end(.stop)
    }
    return mask
  }

  /// Adds a token that was chosen by `logits` [vocabulary], where these are known.
  mutating func take(_ token: Int32, _ logits: Tensor?, _ stream: (String) -> Bool) throws {
    if let logits, let alternatives = options.topLogProbabilities {
      result.choices.append(TokenChoice(token, logits, alternatives: alternatives))
    }
    result.tokens.append(token)
    if endTokens.contains(token) { return end(.stop) }
    guard constraint?.accept(token) ?? true else {
      throw GenerationError.deadEnd(afterTokens: result.tokens.count)
    }
    let piece = output.append(tokenizer.decodeBytes([token]))
    result.text += piece
    let goesOn = piece.isEmpty || stream(piece)
    if output.isStopped || !goesOn { end(.stop) } else if remaining == 0 { end(.length) }
  }

  mutating func end(_ reason: FinishReason) {
    result.finishReason = reason
    isDone = true
  }

  mutating func fillContext() { result.filledContext = true }

  mutating func count(drafted: Int, accepted: Int) {
    result.drafted += drafted
    result.accepted += accepted
  }

  /// The whole text, what was held back included.
  mutating func finish(_ stream: (String) -> Bool) -> GeneratedText {
    let rest = output.isStopped ? "" : output.finish()
    result.text += rest
    if !rest.isEmpty { _ = stream(rest) }
    return result
  }
}

extension TokenConstraint {
  /// What may come next, the tokens that end a text where it may end.
  func allowed(ending endTokens: Set<Int32>) -> TokenMask {
    var mask = mask()
    let isComplete = isComplete
    for token in endTokens where token < mask.vocabulary { mask[token] = isComplete }
    return mask
  }
}
