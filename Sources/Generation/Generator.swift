internal import PrimerLayers
public import PrimerModels
internal import PrimerTensors
public import PrimerTokenizers

/// Continues texts with a model and its tokenizer.
public struct TextGenerator: Sendable {
  public let model: any LanguageModel
  public let tokenizer: Tokenizer
  /// Any of these ends a text.
  public let endTokens: Set<Int32>
  package let likeliest = LikeliestTokens()

  /// - Parameter endTokens: what ends a text beside the tokenizer's end of text.
  public init(
    _ model: any LanguageModel, _ tokenizer: Tokenizer, endTokens: Set<Int32> = []
  ) throws {
    guard tokenizer.vocabularySize <= model.vocabulary else {
      throw GenerationError.vocabularyMismatch(
        tokenizer: tokenizer.vocabularySize, model: model.vocabulary)
    }
    self.model = model
    self.tokenizer = tokenizer
    self.endTokens = endTokens.union(tokenizer.endTokens)
      .filter { $0 >= 0 && $0 < tokenizer.vocabularySize }
  }

  /// Continues `prompt`, handing text to `stream` as it becomes certain; `stream` returns false to
  /// stop early.
  public func generate(
    _ prompt: [Int32], maxTokens: Int, _ settings: SamplingSettings, stops: [String] = [],
    stream: (String) -> Bool = { _ in true }
  ) throws -> GeneratedText {
    var options = GenerationOptions(maxTokens: maxTokens, sampling: settings)
    options.stops = stops
    return try generate(prompt, options, stream: stream)
  }

  /// Continues `prompt`, handing text to `stream` as it becomes certain; `stream` returns false to
  /// stop early. Equal prompts, options and constraints give equal texts, whatever the threads, the
  /// prefill chunk or the speculation.
  /// - Parameters:
  ///   - constraint: what the text has to look like; it moves on with the text.
  ///   - reading: what the model has read before; of a prompt that begins alike only the rest is read.
  public func generate(
    _ prompt: [Int32], _ options: GenerationOptions, constraint: (any TokenConstraint)? = nil,
    reading: CachedText? = nil, stream: (String) -> Bool = { _ in true }
  ) throws -> GeneratedText {
    try options.check(vocabulary: tokenizer.vocabularySize)
    let prompt = try checked(prompt)
    return try withoutGradients {
      var writer = TextWriter(self, prompt, options, constraint)
      var reader = CachedReader(
        model, prompt, maxTokens: options.maxTokens, chunk: options.prefillChunk,
        element: options.cacheElement, goingOnWith: reading)
      var hasFailed = true
      defer { reader.leave(failed: hasFailed) }
      var drafter = try Drafter(options.speculation, for: self)
      while !writer.isDone {
        if !reader.fits {
          writer.fillContext()
          if options.contextOverflow == .stop { break }
          reader.dropOldHalf()
        }
        try step(&reader, &writer, &drafter, stream)
      }
      hasFailed = false
      return writer.finish(stream)
    }
  }

  /// One pass of the model: verifies a draft, and writes the tokens that it makes certain.
  private func step(
    _ reader: inout CachedReader, _ writer: inout TextWriter, _ drafter: inout Drafter,
    _ stream: (String) -> Bool
  ) throws {
    let isTimed = reader.isAtEnd
    drafter.begin()
    let longest = isTimed ? min(reader.room, writer.remaining - 1) : 0
    let draft = drafter.propose(after: reader.tokens, atMost: longest, writer.sampler)
    let scores = nextScores(reader.states(draft: draft)) { _ in writer }
    var chosen: [Int32] = []
    for position in 0...draft.count {
      guard let token = try writer.next(scores[position], stream) else { break }
      chosen.append(token)
      if writer.isDone || position == draft.count || draft[position] != token { break }
    }
    let accepted = zip(draft, chosen).prefix { $0 == $1 }.count
    writer.count(drafted: draft.count, accepted: accepted)
    if isTimed { drafter.end(drafted: draft.count, written: chosen.count) }
    reader.append(chosen, surplus: draft.count - min(accepted, max(0, chosen.count - 1)))
  }

  /// Bytes of the model's weights, and of what is made of them to write faster.
  package var weightByteCount: Int {
    model.parameterByteCount + (LikeliestTokens.byteCount(for: model) ?? 0)
  }

  /// What follows each of `states` [rows, width] is chosen by, for the writer of a row; nil: somebody who
  /// wants logits.
  func nextScores(_ states: Tensor, _ writer: (Int) -> TextWriter?) -> [NextScores] {
    var scores = [NextScores?](repeating: nil, count: states.shape[0])
    var greedy: [(row: Int, biases: [Int: Float])] = []
    for row in scores.indices {
      if let writer = writer(row), writer.takesLikeliest { greedy.append((row, writer.biases)) }
    }
    if !greedy.isEmpty {
      let found = likeliest.tokens(
        states.rows(greedy.map(\.row)), by: model, vocabulary: tokenizer.vocabularySize,
        biases: greedy.map(\.biases))
      for (entry, token) in zip(greedy, found) { scores[entry.row] = token.map { .likeliest($0) } }
    }
    let rest = scores.indices.filter { scores[$0] == nil }
    if !rest.isEmpty {
      let logits = model.scores(states.rows(rest))
      for (index, row) in rest.enumerated() {
        scores[row] = .logits(spelled(logits.sliced(axis: 0, index..<index + 1)))
      }
    }
    return scores.map { $0! }
  }

  /// Logits [1, vocabulary] of the tokens that the tokenizer can spell, [its vocabulary].
  func spelled(_ row: Tensor) -> Tensor {
    row.sliced(axis: 1, 0..<tokenizer.vocabularySize).reshaped([tokenizer.vocabularySize])
  }

  func checked(_ prompt: [Int32]) throws -> [Int32] {
    var prompt = prompt
    if prompt.isEmpty, let start = tokenizer.beginningOfText ?? tokenizer.endOfText {
      prompt = [start]
    }
    guard !prompt.isEmpty else { throw GenerationError.emptyPrompt }
    if let wrong = prompt.first(where: { $0 < 0 || $0 >= model.vocabulary }) {
      throw GenerationError.badSetting(
        "the prompt holds token \(wrong), beyond the vocabulary of \(model.vocabulary)")
    }
    guard prompt.count <= model.context else {
      throw GenerationError.promptTooLong(tokens: prompt.count, context: model.context)
    }
    return prompt
  }
}
