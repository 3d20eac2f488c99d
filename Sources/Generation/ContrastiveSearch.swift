internal import PrimerLayers
internal import PrimerModels
internal import PrimerTensors
internal import PrimerTokenizers

/// How a contrastive search weighs likelihood against sameness.
public struct ContrastiveOptions: Sendable {
  /// The share of the degeneration penalty, 0 to 1; 0 is greedy. Default 0.6, the paper's.
  public var alpha = 0.6
  /// The likeliest tokens to choose among. Default 4.
  public var candidates = 4

  public init() {}

  /// Throws where a number makes no sense.
  public func check() throws {
    guard alpha >= 0, alpha <= 1 else {
      throw GenerationError.badSetting("contrastive alpha \(alpha) is not between 0 and 1")
    }
    guard (1...1024).contains(candidates) else {
      throw GenerationError.badSetting(
        "\(candidates) contrastive candidates are not between 1 and 1024")
    }
  }
}

extension TextGenerator {
  /// Contrastive search (Su et al. 2022, arXiv 2202.06417): of the k likeliest tokens v after x, the one
  /// with the highest (1 - α)·p(v | x) - α·max cos(h(v), h(x_j)), h the states after the last norm.
  ///
  /// Of `options`, the sampling, the speculation and the overflow are not used.
  public func contrastiveSearch(
    _ prompt: [Int32], _ options: GenerationOptions, _ contrast: ContrastiveOptions,
    constraint: (any TokenConstraint)? = nil, stream: (String) -> Bool = { _ in true }
  ) throws -> GeneratedText {
    try options.check(vocabulary: tokenizer.vocabularySize)
    try contrast.check()
    let prompt = try checked(prompt, andThen: options.maxTokens, "a contrastive search")
    return try withoutGradients {
      var writer = TextWriter(self, prompt, options, constraint)
      var search = ContrastiveSearch(self, contrast, prompt, options)
      while !writer.isDone {
        let logits = search.logits
        let mask = try writer.mask()
        guard !writer.isDone else { break }
        let candidates = search.candidates(mask)
        let token = search.choose(candidates)
        try writer.take(token, logits, stream)
      }
      return writer.finish(stream)
    }
  }
}

/// A text with the states of its tokens, which new ones should not resemble.
private struct ContrastiveSearch {
  private let generator: TextGenerator
  private let contrast: ContrastiveOptions
  private var sequence: CachedSequence
  /// [tokens, width], of length 1 each.
  private var directions: Tensor
  /// [vocabulary], of the next token.
  private(set) var logits: Tensor

  init(
    _ generator: TextGenerator, _ contrast: ContrastiveOptions, _ prompt: [Int32],
    _ options: GenerationOptions
  ) {
    self.generator = generator
    self.contrast = contrast
    let capacity = prompt.count + options.maxTokens + CachePages.tokens
    sequence = CachedSequence(
      generator.model.makeCache(
        sequences: contrast.candidates + 1, capacity: capacity, element: options.cacheElement))
    var parts: [Tensor] = []
    for start in stride(from: 0, to: prompt.count, by: options.prefillChunk) {
      let part = prompt[start..<min(start + options.prefillChunk, prompt.count)]
      let states = generator.model.states(part, into: sequence)
      parts.append(states.reshaped([part.count, -1]))
    }
    let states = Tensor.concatenated(parts, axis: 0)
    directions = Self.directions(of: states)
    let last = states.sliced(axis: 0, prompt.count - 1..<prompt.count)
    logits = generator.spelled(generator.model.scores(last.contiguous()))
  }

  /// The likeliest tokens that may come, with ln p among those that may.
  func candidates(_ mask: TokenMask?) -> [Candidate] {
    let row = logits.copied()
    if let mask { row.withMutableScalars { mask.apply(to: &$0) } }
    return LogitRow(logSoftmax(LogitRow(row, mask).logits), mask).likeliest(contrast.candidates)
  }

  /// Goes on with the best candidate.
  mutating func choose(_ candidates: [Candidate]) -> Int32 {
    let sequences = candidates.map { _ in sequence.fork() }
    let states = generator.model.nextStates(candidates.map(\.token), into: sequences)
    let own = Self.directions(of: states)
    let likeness = linear(own, directions).maximum(axis: -1).scalars
    var (best, highest) = (0, -Double.infinity)
    for (index, candidate) in candidates.enumerated() {
      let score =
        (1 - contrast.alpha) * exponential(Double(candidate.logit))
        - contrast.alpha * Double(likeness[index])
      if score > highest { (best, highest) = (index, score) }
    }
    sequence = sequences[best]
    directions = .concatenated(
      [directions, own.sliced(axis: 0, best..<best + 1)], axis: 0)
    let chosen = states.sliced(axis: 0, best..<best + 1).contiguous()
    logits = generator.spelled(generator.model.scores(chosen))
    return candidates[best].token
  }

  /// Rows of `states` divided by their lengths.
  private static func directions(of states: Tensor) -> Tensor {
    states / (states.squared().sum(axis: -1, keepingAxis: true) + 1e-12).sqrt()
  }
}
