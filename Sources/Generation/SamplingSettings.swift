/// How the next token is chosen.
///
/// Logits pass, in this order (llama.cpp's): bias, penalties, DRY, top-n-sigma, top-k, typical-p,
/// top-p, min-p, XTC, the draw. `temperaturePlace` says whether the temperature comes before
/// top-n-sigma or after XTC.
public struct SamplingSettings: Sendable, Equatable, Codable {
  /// Where the temperature acts.
  public enum TemperaturePlace: String, Sendable, Codable, CaseIterable {
    /// Before the cuts, which see tempered probabilities, as in `transformers` and vLLM.
    case first
    /// After the cuts, which see the model's own probabilities, as in llama.cpp.
    case last
  }

  /// Divides the logits; 0 is greedy. Default 1.
  public var temperature: Float = 1
  /// Default `first`.
  public var temperaturePlace = TemperaturePlace.first
  /// The temperature lies within ± this of `temperature`, higher where the entropy is (llama.cpp's
  /// dynamic temperature). Default 0: fixed.
  public var dynamicTemperature: Float = 0
  /// The share of the range is (entropy / most possible entropy) to this power. Default 1.
  public var dynamicTemperatureExponent: Float = 1

  /// Only tokens whose logit is within this many standard deviations of the highest (Tang et al.
  /// 2024, arXiv 2411.07641). Default 0: all.
  public var topNSigma: Float = 0
  /// Only the k likeliest tokens; 0: all. Default 0.
  public var topK = 0
  /// Only tokens whose information is nearest to the entropy and that together reach this
  /// probability (Meister et al. 2022, arXiv 2202.00666). Default 1: all.
  public var typicalP: Float = 1
  /// Only the likeliest tokens that together reach this probability (Holtzman et al. 2020, arXiv
  /// 1904.09751). Default 1: all.
  public var topP: Float = 1
  /// Only tokens at least this share as likely as the likeliest (Nguyen et al. 2024, arXiv
  /// 2407.01082). Default 0: all.
  public var minP: Float = 0
  /// How often all but the least likely of the tokens above `xtcThreshold` are struck out (XTC,
  /// "exclude top choices", as in llama.cpp). Default 0: never.
  public var xtcProbability: Float = 0
  /// Above 0.5 it never acts. Default 0.1.
  public var xtcThreshold: Float = 0.1
  /// Mirostat 2 (Basu et al. 2021, arXiv 2007.14966) takes the place of all cuts, as in llama.cpp:
  /// it holds the information of a token near this many bits. Default nil: off.
  public var mirostat: Mirostat?

  /// Divides the positive logits, and multiplies the negative ones, of tokens in the prompt and the
  /// text (Keskar et al. 2019, arXiv 1909.05858). Default 1: off.
  public var repetitionPenalty: Float = 1
  /// Taken from the logit of a token that has been written, once (OpenAI's definition: the prompt
  /// does not count). Default 0.
  public var presencePenalty: Float = 0
  /// Taken from the logit of a token for each time it has been written. Default 0.
  public var frequencyPenalty: Float = 0
  /// How many of the last tokens the three penalties look at; 0: all. Default 0.
  public var penaltyWindow = 0
  /// Makes long repetitions less likely. Default nil: off.
  public var dry: DryPenalty?
  /// Added to the logits of tokens; -infinity bans one. Default none.
  public var logitBias: [Int: Float] = [:]

  /// What the random numbers grow from. Default 1337.
  public var seed: UInt64 = 1337

  public init() {}

  /// The likeliest token, always.
  public static var greedy: SamplingSettings {
    var settings = SamplingSettings()
    settings.temperature = 0
    return settings
  }

  /// Whether the token is the likeliest one, without any draw.
  var isGreedy: Bool { temperature == 0 && dynamicTemperature == 0 }

  /// Whether no token is struck out, so that the draw is from the whole vocabulary.
  var cutsNothing: Bool {
    topNSigma == 0 && topK == 0 && typicalP == 1 && topP == 1 && minP == 0 && xtcProbability == 0
      && mirostat == nil
  }
}

/// What Mirostat 2 aims at.
public struct Mirostat: Sendable, Equatable, Codable {
  /// Bits of information that a token should have. Default 5.
  public var target: Float = 5
  /// How fast it corrects itself. Default 0.1.
  public var rate: Float = 0.1

  public init() {}
}

/// "Don't repeat yourself" (p-e-w's DRY, as in llama.cpp): a token that would lengthen a repetition
/// of n tokens, n at least `allowedLength`, loses multiplier · base^(n - allowedLength).
public struct DryPenalty: Sendable, Equatable, Codable {
  /// Default 0.8.
  public var multiplier: Float = 0.8
  /// Default 1.75.
  public var base: Float = 1.75
  /// Repetitions shorter than this cost nothing. Default 2.
  public var allowedLength = 2
  /// How many of the last tokens are looked at; 0: all. Default 0.
  public var window = 0
  /// A repetition does not reach back over these. Default a line's end, ":", "\"" and "*".
  public var breakers = ["\n", ":", "\"", "*"]

  public init() {}
}

extension SamplingSettings {
  /// Throws where a number makes no sense.
  public func check() throws {
    try demand(
      temperature >= 0 && temperature.isFinite,
      "temperature \(temperature) is not a number from 0 up")
    try demand(
      dynamicTemperature >= 0 && dynamicTemperature.isFinite,
      "dynamic temperature \(dynamicTemperature) is not a number from 0 up")
    try demand(
      dynamicTemperatureExponent > 0 && dynamicTemperatureExponent.isFinite,
      "dynamic temperature exponent \(dynamicTemperatureExponent) is not above 0")
    try demand(
      topNSigma >= 0 && topNSigma.isFinite, "top-n-sigma \(topNSigma) is not a number from 0 up")
    try demand(topK >= 0, "top-k \(topK) is below 0")
    try demand(typicalP > 0 && typicalP <= 1, "typical-p \(typicalP) is not above 0 and at most 1")
    try demand(topP > 0 && topP <= 1, "top-p \(topP) is not above 0 and at most 1")
    try demand(minP >= 0 && minP <= 1, "min-p \(minP) is not between 0 and 1")
    try demand(
      xtcProbability >= 0 && xtcProbability <= 1,
      "XTC probability \(xtcProbability) is not between 0 and 1")
    try demand(
      xtcThreshold > 0 && xtcThreshold <= 1,
      "XTC threshold \(xtcThreshold) is not above 0 and at most 1")
    try checkPenalties()
    try checkMirostat()
  }

  private func checkPenalties() throws {
    try demand(
      repetitionPenalty > 0 && repetitionPenalty.isFinite,
      "repetition penalty \(repetitionPenalty) is not above 0")
    try demand(presencePenalty.isFinite, "presence penalty \(presencePenalty) is not a number")
    try demand(frequencyPenalty.isFinite, "frequency penalty \(frequencyPenalty) is not a number")
    try demand(penaltyWindow >= 0, "penalty window \(penaltyWindow) is below 0")
    for (token, bias) in logitBias {
      try demand(token >= 0, "logit bias of token \(token), which is below 0")
      try demand(
        !bias.isNaN && bias < .infinity, "logit bias \(bias) of token \(token) is not a number")
    }
    guard let dry else { return }
    try demand(
      dry.multiplier >= 0 && dry.multiplier.isFinite,
      "DRY multiplier \(dry.multiplier) is not a number from 0 up")
    try demand(dry.base >= 1 && dry.base.isFinite, "DRY base \(dry.base) is not a number from 1 up")
    try demand(dry.allowedLength >= 1, "DRY allowed length \(dry.allowedLength) is below 1")
    try demand(dry.window >= 0, "DRY window \(dry.window) is below 0")
  }

  private func checkMirostat() throws {
    guard let mirostat else { return }
    try demand(
      mirostat.target >= 0 && mirostat.target.isFinite,
      "mirostat target \(mirostat.target) is not a number from 0 up")
    try demand(
      mirostat.rate > 0 && mirostat.rate.isFinite, "mirostat rate \(mirostat.rate) is not above 0")
  }

  private func demand(_ condition: Bool, _ text: String) throws {
    if !condition { throw GenerationError.badSetting(text) }
  }
}
