/// How the next token is chosen.
public struct SamplingSettings: Sendable, Equatable, Codable {
  /// Divides the logits; 0 is greedy. Default 1.
  public var temperature: Float = 1
  /// Only the k likeliest tokens; 0: all. Default 0.
  public var topK = 0
  /// Only the likeliest tokens that together reach this probability (Holtzman et al. 2020, arXiv
  /// 1904.09751). Default 1: all.
  public var topP: Float = 1
  /// Only tokens at least this share as likely as the likeliest (Nguyen et al. 2024, arXiv
  /// 2407.01082). Default 0: all.
  public var minP: Float = 0
  /// Divides the positive logits, and multiplies the negative ones, of tokens seen (Keskar et al.
  /// 2019, arXiv 1909.05858). Default 1: off.
  public var repetitionPenalty: Float = 1
  /// How many of the last tokens count as seen; 0: all. Default 0.
  public var repetitionWindow = 0
  /// What the random numbers grow from. Default 1337.
  public var seed: UInt64 = 1337

  public init() {}

  /// The likeliest token, always.
  public static var greedy: SamplingSettings {
    var settings = SamplingSettings()
    settings.temperature = 0
    return settings
  }

  /// Throws where a number makes no sense.
  public func check() throws {
    func demand(_ condition: Bool, _ text: String) throws {
      if !condition { throw GenerationError.badSetting(text) }
    }
    try demand(temperature >= 0 && temperature.isFinite, "temperature \(temperature) is below 0")
    try demand(topK >= 0, "top-k \(topK) is below 0")
    try demand(topP > 0 && topP <= 1, "top-p \(topP) is not above 0 and at most 1")
    try demand(minP >= 0 && minP <= 1, "min-p \(minP) is not between 0 and 1")
    try demand(
      repetitionPenalty > 0 && repetitionPenalty.isFinite,
      "repetition penalty \(repetitionPenalty) is not above 0")
    try demand(repetitionWindow >= 0, "repetition window \(repetitionWindow) is below 0")
  }
}

/// What a request for text can get wrong.
public enum GenerationError: Error, Equatable, Sendable, CustomStringConvertible {
  case badSetting(String)
  case emptyPrompt
  case promptTooLong(tokens: Int, context: Int)
  case vocabularyMismatch(tokenizer: Int, model: Int)

  public var description: String {
    switch self {
    case .badSetting(let text): "\(text); give a value in its range"
    case .emptyPrompt:
      "the prompt has no tokens, and the model no token that starts a text; give a prompt"
    case .promptTooLong(let tokens, let context):
      "the prompt has \(tokens) tokens, the model's context holds \(context); shorten the prompt"
    case .vocabularyMismatch(let tokenizer, let model):
      "the tokenizer has \(tokenizer) tokens, the model \(model); they do not belong together"
    }
  }

  /// The process's exit code of sysexits: 64 usage, 65 bad data.
  public var exitCode: Int32 {
    switch self {
    case .badSetting, .emptyPrompt, .promptTooLong: 64
    case .vocabularyMismatch: 65
    }
  }
}
