internal import PrimerTensors

/// The tokens that the cuts leave, with logits that a temperature may still divide.
struct Choices {
  private(set) var candidates: [Candidate]
  /// The temperature's reciprocal, where it acts already; else 1.
  private(set) var scale: Double
  /// Σ exp((logit - highest) · scale) of the candidates and of those left out because no later cut can
  /// keep them; nil where it is the candidates' alone.
  private var total: Double?

  /// What `settings` leave of `row`. `strikesTop`: whether XTC acts on this token.
  init(_ row: LogitRow, _ settings: SamplingSettings, strikesTop: Bool) {
    let isFirst = settings.temperaturePlace == .first || settings.mirostat != nil
    scale = isFirst ? 1 / settings.temperature(of: row) : 1
    candidates = []
    gather(row, settings)
    if settings.typicalP < 1 { keepTypical(Double(settings.typicalP)) }
    if settings.topP < 1 { keepTop(Double(settings.topP)) }
    if settings.minP > 0 { keepLikely(settings.minP) }
    if strikesTop { strikeTop(Double(settings.xtcThreshold)) }
    if !isFirst { scale = 1 / settings.temperature(of: self) }
  }

  /// Mirostat's: the tokens of at most `bits` bits of information.
  init(_ row: LogitRow, _ settings: SamplingSettings, atMost bits: Double) {
    scale = 1 / settings.temperature(of: row)
    let whole = row.weights(scale: scale).total
    // p = exp((logit - top) · scale) / whole is at least 2^-bits.
    let distance = (Double(logarithm(Float(whole))) - bits * Self.natsOfABit) / scale
    candidates = row.tokens(atLeast: min(row.top, Float(Double(row.top) + distance)))
  }

  static let natsOfABit = 0.693147180559945309

  /// Top-n-sigma and top-k, and of the cuts after them what leaves out most tokens unseen.
  private mutating func gather(_ row: LogitRow, _ settings: SamplingSettings) {
    var floor = -Float.greatestFiniteMagnitude
    if settings.topNSigma > 0 {
      floor = Float(Double(row.top) - Double(settings.topNSigma) * row.deviation)
    }
    if settings.topK > 0 {
      candidates = row.likeliest(settings.topK, atLeast: floor)
      return
    }
    if settings.topNSigma == 0, settings.typicalP == 1 {
      if settings.minP > 0 { floor = minimumLogit(settings.minP, row.top) }
      if settings.topP < 1 {
        let whole = row.weights(scale: scale).total
        total = whole
        // All tokens less likely than this together are less than the 1 - p that may be left out.
        let share = Float((1 - Double(settings.topP)) * whole / Double(row.logits.count))
        floor = max(floor, row.top + logarithm(share) / Float(scale) - 1e-3)
      }
    }
    candidates = row.tokens(atLeast: floor)
  }

  /// The logit of a token `share` as likely as one with the logit `top`.
  private func minimumLogit(_ share: Float, _ top: Float) -> Float {
    min(top, Float(Double(top) + Double(logarithm(share)) / scale))
  }

  private var top: Float { candidates.reduce(-.infinity) { max($0, $1.logit) } }

  /// exp((logit - highest) · scale) of each candidate.
  func weights() -> [Double] {
    let top = top
    if candidates.count <= 512 {
      return candidates.map { exponential(Double($0.logit - top) * scale) }
    }
    // Of many, by vectors.
    let distances = Tensor(candidates.map { $0.logit - top }, shape: [candidates.count])
    return (scale == 1 ? distances : distances * Float(scale)).exp().scalars.map(Double.init)
  }

  /// Σ p·ln(1/p) over the candidates' share of the probability, nats.
  func entropy() -> Double {
    let (weights, top) = (weights(), top)
    let (sum, mean) = Self.meanDistance(candidates, weights, top: top, scale: scale)
    return Double(logarithm(Float(sum))) - mean
  }

  /// Σ w, and Σ w·(logit - top)·scale / Σ w.
  private static func meanDistance(
    _ candidates: [Candidate], _ weights: [Double], top: Float, scale: Double
  ) -> (sum: Double, mean: Double) {
    var (sum, moment) = (0.0, 0.0)
    for (candidate, weight) in zip(candidates, weights) where weight > 0 {
      sum += weight
      moment += weight * Double(candidate.logit - top) * scale
    }
    return (sum, moment / sum)
  }

  /// Locally typical tokens: information nearest to the entropy first, until they reach `p`. The
  /// distance of a token's information from the entropy is that of its logit from the mean logit.
  private mutating func keepTypical(_ p: Double) {
    let (weights, top) = (weights(), top)
    let (sum, mean) = Self.meanDistance(candidates, weights, top: top, scale: scale)
    let distances = candidates.map { abs(Double($0.logit - top) * scale - mean) }
    func mass(within radius: Double) -> Double {
      zip(distances, weights).reduce(0) { $1.0 <= radius ? $0 + $1.1 : $0 }
    }
    // Sort no more than what is certainly enough.
    var radius = 0.5
    while mass(within: radius) < p * sum, radius < 1e6 { radius *= 2 }
    let order = candidates.indices.filter { distances[$0] <= radius || radius >= 1e6 }
      .sorted { (distances[$0], candidates[$0]) < (distances[$1], candidates[$1]) }
    var reached = 0.0
    let count = order.firstIndex {
      reached += weights[$0]
      return reached >= p * sum
    }
    candidates = order.prefix((count ?? order.count - 1) + 1).map { candidates[$0] }
  }

  /// The likeliest tokens that together reach `p`.
  private mutating func keepTop(_ p: Double) {
    candidates.sort()
    let weights = weights()
    let limit = p * (total ?? weights.reduce(0, +))
    var reached = 0.0
    let last = weights.firstIndex {
      reached += $0
      return reached >= limit
    }
    if let last { candidates.removeLast(candidates.count - last - 1) }
  }

  /// Tokens at least `share` as likely as the likeliest.
  private mutating func keepLikely(_ share: Float) {
    let floor = minimumLogit(share, top)
    candidates.removeAll { $0.logit < floor }
  }

  /// Strikes out all but the least likely of the tokens that reach `threshold`.
  private mutating func strikeTop(_ threshold: Double) {
    let weights = weights()
    let limit = threshold * weights.reduce(0, +)
    let above = zip(candidates, weights).filter { $0.1 >= limit }.map(\.0)
    guard above.count > 1, let last = above.max() else { return }
    candidates.removeAll { $0 < last }
  }
}

extension SamplingSettings {
  /// What divides the logits of `row`; never 0.
  func temperature(of row: LogitRow) -> Double {
    guard dynamicTemperature > 0 else { return max(Double(temperature), 1e-6) }
    return temperature(of: Choices(all: row))
  }

  func temperature(of choices: Choices) -> Double {
    guard dynamicTemperature > 0, choices.candidates.count > 1 else {
      return max(Double(temperature), 1e-6)
    }
    let low = max(0, Double(temperature - dynamicTemperature))
    let high = Double(temperature + dynamicTemperature)
    let most = Double(logarithm(Float(choices.candidates.count)))
    let share = min(1, max(0, choices.entropy() / most))
    return max(low + (high - low) * power(share, Double(dynamicTemperatureExponent)), 1e-6)
  }
}

extension Choices {
  /// Every possible token.
  fileprivate init(all row: LogitRow) {
    scale = 1
    candidates = row.tokens(atLeast: -.greatestFiniteMagnitude)
  }
}
