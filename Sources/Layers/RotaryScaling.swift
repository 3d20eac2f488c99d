internal import PrimerTensors

/// How rotary frequencies are stretched so that a model reads further than it was trained to.
public enum RotaryScaling: Sendable, Equatable {
  case none
  /// Every frequency divided by `factor` (Chen et al. 2023, arXiv 2306.15595).
  case linear(factor: Double)
  case llama3(Llama3Scaling)
  case yarn(YaRNScaling)
  case longRoPE(LongRoPEScaling)
}

/// Llama 3.1: long waves divided by `factor`, short ones kept, those between blended (Grattafiori et
/// al. 2024, arXiv 2407.21783; `apply_scaling` of github.com/meta-llama/llama-models).
public struct Llama3Scaling: Sendable, Equatable {
  public var factor, lowFrequencyFactor, highFrequencyFactor: Double
  /// Tokens that the model was first trained to read.
  public var originalContext: Int

  public init(
    factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContext: Int
  ) {
    self.factor = factor
    self.lowFrequencyFactor = lowFrequencyFactor
    self.highFrequencyFactor = highFrequencyFactor
    self.originalContext = originalContext
  }

  func scaled(_ frequency: Double) -> Double {
    let turns = Double(originalContext) * frequency / (2 * .pi)
    if turns > highFrequencyFactor { return frequency }
    if turns < lowFrequencyFactor { return frequency / factor }
    let share = (turns - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
    return (1 - share) * frequency / factor + share * frequency
  }
}

/// YaRN (Peng et al. 2023, arXiv 2309.00071): frequencies that turn often are kept, slow ones divided,
/// a ramp over the pairs between; attention is sharpened by `attentionFactor`.
public struct YaRNScaling: Sendable, Equatable {
  public var factor: Double
  public var originalContext: Int
  /// Turns within the original context above which a frequency is kept, and below which it is divided.
  public var fastTurns, slowTurns: Double
  /// Multiplies cosines and sines.
  public var attentionFactor: Double
  /// Whether the ramp begins and ends at whole pairs.
  public var roundsRamp: Bool

  /// - Parameter attentionFactor: nil: 0.1·ln(factor) + 1, as the paper has it.
  public init(
    factor: Double, originalContext: Int, fastTurns: Double = 32, slowTurns: Double = 1,
    attentionFactor: Double? = nil, roundsRamp: Bool = true
  ) {
    self.factor = factor
    self.originalContext = originalContext
    self.fastTurns = fastTurns
    self.slowTurns = slowTurns
    self.attentionFactor = attentionFactor ?? Self.attentionFactor(factor)
    self.roundsRamp = roundsRamp
  }

  /// 0.1·strength·ln(factor) + 1
  public static func attentionFactor(_ factor: Double, strength: Double = 1) -> Double {
    factor <= 1 ? 1 : 0.1 * strength * logarithm(factor) + 1
  }

  func scaled(_ frequencies: [Double], base: Double) -> [Double] {
    let width = Double(2 * frequencies.count)
    /// The pair, as a fraction, that turns so often within the original context.
    func pair(turns: Double) -> Double {
      width * logarithm(Double(originalContext) / (turns * 2 * .pi)) / (2 * logarithm(base))
    }
    var (low, high) = (pair(turns: fastTurns), pair(turns: slowTurns))
    if roundsRamp { (low, high) = (low.rounded(.down), high.rounded(.up)) }
    low = max(low, 0)
    high = min(high, width - 1)
    if low == high { high += 0.001 }
    return frequencies.enumerated().map { index, frequency in
      let ramp = min(max((Double(index) - low) / (high - low), 0), 1)
      return frequency / factor * ramp + frequency * (1 - ramp)
    }
  }
}

/// LongRoPE (Ding et al. 2024, arXiv 2402.13753): a divisor for each frequency, one set for texts within
/// the original context, one for longer ones.
public struct LongRoPEScaling: Sendable, Equatable {
  public var short, long: [Double]
  public var originalContext: Int
  /// Multiplies cosines and sines.
  public var attentionFactor: Double

  public init(short: [Double], long: [Double], originalContext: Int, attentionFactor: Double) {
    self.short = short
    self.long = long
    self.originalContext = originalContext
    self.attentionFactor = attentionFactor
  }

  /// √(1 + ln(context / original) / ln(original)), the paper's.
  public static func attentionFactor(context: Double, original: Int) -> Double {
    let factor = context / Double(original)
    return factor <= 1
      ? 1 : (1 + logarithm(factor) / logarithm(Double(original))).squareRoot()
  }
}

/// What a model says of its rotary positions.
public struct RotarySettings: Sendable, Equatable {
  /// Base of the frequencies.
  public var base: Double
  /// Numbers of a head that turn; the rest is left as it is.
  public var width: Int
  public var scaling: RotaryScaling

  public init(base: Double = 10_000, width: Int, scaling: RotaryScaling = .none) {
    self.base = base
    self.width = width
    self.scaling = scaling
  }

  /// Angle a position of each pair, in texts within the original context and in longer ones.
  var frequencies: (short: [Double], long: [Double]) {
    let plain = RotaryPositions.frequencies(base: base, width: width)
    func same(_ frequencies: [Double]) -> (short: [Double], long: [Double]) {
      (frequencies, frequencies)
    }
    switch scaling {
    case .none: return same(plain)
    case .linear(let factor): return same(plain.map { $0 / factor })
    case .llama3(let scaling): return same(plain.map(scaling.scaled))
    case .yarn(let scaling): return same(scaling.scaled(plain, base: base))
    case .longRoPE(let scaling):
      precondition(
        scaling.short.count == plain.count && scaling.long.count == plain.count,
        "\(scaling.short.count) and \(scaling.long.count) divisors of \(plain.count) frequencies")
      return (
        zip(plain, scaling.short).map { $0 / $1 }, zip(plain, scaling.long).map { $0 / $1 }
      )
    }
  }

  /// The divisor of each frequency within the original context: what the scaling amounts to.
  public var divisors: [Double] {
    zip(RotaryPositions.frequencies(base: base, width: width), frequencies.short).map { $0 / $1 }
  }

  var attentionFactor: Double {
    switch scaling {
    case .yarn(let scaling): scaling.attentionFactor
    case .longRoPE(let scaling): scaling.attentionFactor
    case .none, .linear, .llama3: 1
    }
  }

  /// The longest text that the first frequencies are for.
  var shortContext: Int {
    if case .longRoPE(let scaling) = scaling { scaling.originalContext } else { .max }
  }
}
