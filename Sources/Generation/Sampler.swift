public import PrimerTensors

/// Chooses the tokens of a text. Token i is drawn with random number i of the seed, whatever came of
/// the earlier ones, so equal requests give equal texts in any batch.
public struct Sampler: Sendable {
  public let settings: SamplingSettings
  /// Tokens chosen.
  public private(set) var count = 0
  private var penalties: LogitPenalties
  /// Mirostat's bound on a token's information, bits.
  private var bound: Double

  /// - Parameters:
  ///   - prompt: what the text follows, for the penalties.
  ///   - bytes: the bytes of a token, for DRY's sequence breakers.
  public init(
    _ settings: SamplingSettings, prompt: [Int32] = [],
    bytes: @escaping @Sendable (Int32) -> [UInt8] = { _ in [] }
  ) {
    self.settings = settings
    penalties = LogitPenalties(settings, prompt: prompt, bytes: bytes)
    bound = 2 * Double(settings.mirostat?.target ?? 0)
  }

  /// The next token for `logits` of the whole vocabulary, chosen among those that `mask` allows.
  public mutating func next(_ logits: Tensor, mask: TokenMask? = nil) -> Int32 {
    let token = biasedBest(logits, mask) ?? chosen(logits, mask)
    take(token)
    return token
  }

  /// Whether the next token is the likeliest one after biases, whatever was written before.
  var takesLikeliest: Bool { settings.isGreedy && penalties.addsBiasAlone }

  /// Goes on with what `next` would have chosen.
  mutating func take(_ token: Int32) {
    penalties.append(token)
    count += 1
  }

  private mutating func chosen(_ logits: Tensor, _ mask: TokenMask?) -> Int32 {
    let row = row(logits, mask)
    return settings.isGreedy ? row.best : draw(row)
  }

  /// The best token where nothing but a bias changes logits, found without a copy of them; nil where that
  /// is not so, or the best is among the biased, or a logit is no number.
  private func biasedBest(_ logits: Tensor, _ mask: TokenMask?) -> Int32? {
    guard mask == nil, takesLikeliest else { return nil }
    let logits = logits.detached.contiguous()
    var best = Int(logits.argmax().integers[0])
    guard settings.logitBias[best] == nil else { return nil }
    return logits.withScalars { values in
      var top = values[best]
      guard top.isFinite else { return nil }
      for (token, bias) in settings.logitBias where token < values.count {
        let value = values[token] + bias
        guard value < .infinity else { return nil }
        if value > top || value == top && token < best { (top, best) = (value, token) }
      }
      return Int32(best)
    }
  }

  /// The tokens that may come next, likeliest first (the lower number where equal), their
  /// probabilities summing to 1.
  package func distribution(_ logits: Tensor, mask: TokenMask? = nil) -> [(
    token: Int32, probability: Double
  )] {
    let row = row(logits, mask)
    if settings.isGreedy { return [(row.best, 1)] }
    let choices = choices(row)
    let weights = choices.weights()
    let total = weights.reduce(0, +)
    return zip(choices.candidates, weights).sorted { $0.0 < $1.0 }
      .map { ($0.0.token, $0.1 / total) }
  }

  /// Logits after bias, penalties and mask.
  private func row(_ logits: Tensor, _ mask: TokenMask?) -> LogitRow {
    let logits = logits.detached.contiguous()
    guard mask != nil || penalties.isActive else { return LogitRow(logits, nil) }
    precondition(
      mask.map { $0.vocabulary == logits.count } ?? true,
      "a mask of \(mask!.vocabulary) tokens for \(logits.count) logits")
    let edited = logits.copied()
    edited.withMutableScalars { values in
      penalties.apply(to: &values)
      mask?.apply(to: &values)
    }
    return LogitRow(edited, mask)
  }

  private func choices(_ row: LogitRow) -> Choices {
    if settings.mirostat != nil { return Choices(row, settings, atMost: bound) }
    let strikes =
      settings.xtcProbability > 0 && settings.xtcThreshold <= 0.5
      && number(stream: Self.strikeStream) < Double(settings.xtcProbability)
    return Choices(row, settings, strikesTop: strikes)
  }

  private static let drawStream: UInt64 = 0x5a
  private static let strikeStream: UInt64 = 0x5b

  /// The token's random number in a stream of the seed, counted from 1: number 0 of every stream is 0.
  private func number(stream: UInt64) -> Double {
    var source = RandomSource(seed: settings.seed, stream: stream, counter: UInt64(count) + 1)
    return source.nextUniform()
  }

  private mutating func draw(_ row: LogitRow) -> Int32 {
    if settings.cutsNothing { return drawFromAll(row) }
    let choices = choices(row)
    let weights = choices.weights()
    let total = weights.reduce(0, +)
    let target = number(stream: Self.drawStream) * total
    var (sum, chosen) = (0.0, 0)
    for (index, weight) in weights.enumerated() where weight > 0 {
      chosen = index
      sum += weight
      if target < sum { break }
    }
    if let mirostat = settings.mirostat {
      let bits = -logarithm(Float(weights[chosen] / total)) / Float(Choices.natsOfABit)
      bound -= Double(mirostat.rate) * Double(bits - mirostat.target)
    }
    return choices.candidates[chosen].token
  }

  /// A draw from the whole vocabulary: first a block of it, then a token of the block.
  private func drawFromAll(_ row: LogitRow) -> Int32 {
    let (values, total) = row.weights(scale: 1 / settings.temperature(of: row))
    var rest = number(stream: Self.drawStream) * total
    return values.withScalars { values in
      var start = 0
      var last = row.best
      while start < values.count {
        let end = min(start + LogitRow.blockLength, values.count)
        let sum = LogitRow.blockSum(values, start, end)
        if rest < sum || end == values.count {
          for index in start..<end where values[index] > 0 {
            last = Int32(index)
            rest -= Double(values[index])
            if rest < 0 { break }
          }
          return last
        }
        rest -= sum
        start = end
      }
      return last
    }
  }
}

extension TokenMask {
  /// Makes the tokens that may not come impossible.
  func apply(to logits: inout MutableSpan<Float>) {
    for (index, word) in words.enumerated() where word != .max {
      let start = index * 64
      for bit in 0..<min(64, logits.count - start) where word >> UInt64(bit) & 1 == 0 {
        logits[start + bit] = -.infinity
      }
    }
  }
}
