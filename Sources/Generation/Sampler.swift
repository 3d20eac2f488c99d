internal import PrimerTensors

/// Chooses tokens. Token i of a text is drawn with random number i of its seed, so equal requests
/// give equal texts.
public struct Sampler: Sendable {
  public let settings: SamplingSettings
  private var random: RandomSource

  public init(_ settings: SamplingSettings) {
    self.settings = settings
    random = RandomSource(seed: settings.seed, stream: 0x5a)
  }

  /// The next token for `logits` [vocabulary], where `seen` are the tokens so far.
  public mutating func next(_ logits: [Float], seen: [Int32]) -> Int32 {
    let candidates = Self.distribution(logits, settings, seen: seen)
    guard candidates.count > 1 else { return candidates[0].token }
    let target = random.nextUniform()
    var total = 0.0
    for candidate in candidates {
      total += candidate.probability
      if target < total { return candidate.token }
    }
    return candidates[candidates.count - 1].token
  }

  /// The tokens that may come next, likeliest first (the lower id where equal), their probabilities
  /// summing to 1.
  package static func distribution(
    _ logits: [Float], _ settings: SamplingSettings, seen: [Int32]
  ) -> [(token: Int32, probability: Double)] {
    let logits = penalised(logits, settings, seen)
    func precedes(_ a: Int32, _ b: Int32) -> Bool {
      (logits[Int(a)], b) > (logits[Int(b)], a)
    }
    if settings.temperature == 0 {
      let best = (1..<Int32(max(1, logits.count))).reduce(Int32(0)) { precedes($1, $0) ? $1 : $0 }
      return [(best, 1)]
    }
    var tokens = kept(logits, settings)
    tokens.sort(by: precedes)
    if settings.topK > 0 { tokens.removeLast(max(0, tokens.count - settings.topK)) }
    let top = Double(logits[Int(tokens[0])])
    let temperature = Double(settings.temperature)
    var weights = tokens.map { exponential((Double(logits[Int($0)]) - top) / temperature) }
    let total = weights.reduce(0, +)
    if settings.topP < 1 {
      var sum = 0.0
      let limit = Double(settings.topP) * total
      let count = weights.firstIndex {
        sum += $0
        return sum >= limit
      }
      weights.removeLast(weights.count - (count ?? weights.count - 1) - 1)
    }
    let rest = weights.reduce(0, +)
    return zip(tokens, weights).map { ($0, $1 / rest) }
  }

  /// Tokens that min-p and a cheap first cut for top-k leave, unsorted.
  private static func kept(_ logits: [Float], _ settings: SamplingSettings) -> [Int32] {
    let top = logits.max() ?? 0
    var floor = -Float.infinity
    if settings.minP > 0 { floor = top + settings.temperature * logarithm(settings.minP) }
    return logits.indices.lazy.filter { logits[$0] >= floor && logits[$0] > -.infinity }
      .map { Int32($0) }.nonEmpty(or: Int32(logits.firstIndex(of: top) ?? 0))
  }

  private static func penalised(
    _ logits: [Float], _ settings: SamplingSettings, _ seen: [Int32]
  ) -> [Float] {
    guard settings.repetitionPenalty != 1 else { return logits }
    var logits = logits
    let window =
      settings.repetitionWindow == 0 ? seen[...] : seen.suffix(settings.repetitionWindow)
    for token in Set(window) where Int(token) < logits.count {
      let value = logits[Int(token)]
      logits[Int(token)] =
        value > 0 ? value / settings.repetitionPenalty : value * settings.repetitionPenalty
    }
    return logits
  }
}

extension Sequence where Element == Int32 {
  fileprivate func nonEmpty(or fallback: Int32) -> [Int32] {
    let values = Array(self)
    return values.isEmpty ? [fallback] : values
  }
}
