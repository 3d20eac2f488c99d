internal import Foundation
internal import PrimerCheckpoints
internal import PrimerLayers

/// Rotary positions as config.json spells them: `rope_parameters` of transformers 5, `rope_scaling` of
/// earlier ones.
struct RotaryFields: Codable {
  var rope_type: String?
  var type: String?
  var rope_theta: Double?
  var partial_rotary_factor: Double?
  var factor: Double?
  var original_max_position_embeddings: Int?
  var attention_factor: Double?
  var low_freq_factor, high_freq_factor: Double?
  var beta_fast, beta_slow: Double?
  var mscale, mscale_all_dim: Double?
  var truncate: Bool?
  var short_factor, long_factor: [Double]?

  init() {}

  static let kinds = ["default", "linear", "llama3", "yarn", "longrope"]

  /// - Parameters:
  ///   - base: where the file names none.
  ///   - context: the model's, which scalings compare with the original one.
  func settings(
    base: Double, headWidth: Int, context: Int, _ url: URL
  ) throws -> RotarySettings {
    let base = rope_theta ?? base
    let width = Int(exactly: (Double(headWidth) * (partial_rotary_factor ?? 1)).rounded(.down)) ?? 0
    guard base > 1, width > 0, width <= headWidth, width % 2 == 0 else {
      throw CheckpointError.badConfiguration(
        url,
        reason:
          "rotary positions with \"rope_theta\" \(base) turning \(width) numbers of a head of "
          + "\(headWidth); the base must be above 1 and the width even")
    }
    return RotarySettings(
      base: base, width: width, scaling: try scaling(width: width, context: context, url))
  }

  private func scaling(width: Int, context: Int, _ url: URL) throws -> RotaryScaling {
    let original = original_max_position_embeddings ?? context
    for (name, value) in [
      ("factor", factor), ("low_freq_factor", low_freq_factor), ("beta_fast", beta_fast),
      ("beta_slow", beta_slow), ("attention_factor", attention_factor),
      ("original_max_position_embeddings", Double(original)),
    ] where value.map({ !($0 > 0) }) ?? false {
      throw CheckpointError.badConfiguration(
        url, reason: "\"\(name)\" of the rope scaling is \(value!), not positive")
    }
    func required(_ value: Double?, _ name: String) throws -> Double {
      guard let value else {
        throw CheckpointError.badConfiguration(url, reason: "no \"\(name)\" in the rope scaling")
      }
      return value
    }
    switch rope_type ?? type ?? "default" {
    case "default": return .none
    case "linear": return .linear(factor: try required(factor, "factor"))
    case "llama3":
      let (low, high) = (
        try required(low_freq_factor, "low_freq_factor"),
        try required(high_freq_factor, "high_freq_factor")
      )
      guard high > low else {
        throw CheckpointError.badConfiguration(
          url, reason: "\"high_freq_factor\" \(high) is not above \"low_freq_factor\" \(low)")
      }
      return .llama3(
        Llama3Scaling(
          factor: try required(factor, "factor"), lowFrequencyFactor: low,
          highFrequencyFactor: high, originalContext: original))
    case "yarn":
      let factor = factor ?? Double(context) / Double(original)
      return .yarn(
        YaRNScaling(
          factor: factor, originalContext: original, fastTurns: beta_fast ?? 32,
          slowTurns: beta_slow ?? 1, attentionFactor: attention_factor ?? sharpening(factor),
          roundsRamp: truncate ?? true))
    case "longrope", "su":
      return .longRoPE(try longRoPE(width: width, context: context, original: original, url))
    case let other:
      throw CheckpointError.unsupported(
        url, what: "rope scaling '\(other)'", supported: Self.kinds)
    }
  }

  /// DeepSeek's ratio of two strengths; nil where the file names none.
  private func sharpening(_ factor: Double) -> Double? {
    guard let mscale, let mscale_all_dim, mscale != 0, mscale_all_dim != 0 else { return nil }
    return YaRNScaling.attentionFactor(factor, strength: mscale)
      / YaRNScaling.attentionFactor(factor, strength: mscale_all_dim)
  }

  private func longRoPE(
    width: Int, context: Int, original: Int, _ url: URL
  ) throws -> LongRoPEScaling {
    let (short, long) = (short_factor ?? [], long_factor ?? [])
    guard short.count == width / 2, long.count == width / 2, (short + long).allSatisfy({ $0 > 0 })
    else {
      throw CheckpointError.badConfiguration(
        url,
        reason:
          "\"short_factor\" and \"long_factor\" have \(short.count) and \(long.count) numbers, "
          + "not \(width / 2) positive ones")
    }
    let context = factor.map { $0 * Double(original) } ?? Double(context)
    return LongRoPEScaling(
      short: short, long: long, originalContext: original,
      attentionFactor: attention_factor
        ?? LongRoPEScaling.attentionFactor(context: context, original: original))
  }

  /// The settings in transformers 5's spelling.
  init(_ settings: RotarySettings, headWidth: Int) {
    rope_type = "default"
    rope_theta = settings.base
    if settings.width != headWidth {
      partial_rotary_factor = Double(settings.width) / Double(headWidth)
    }
    switch settings.scaling {
    case .none: break
    case .linear(let factor):
      rope_type = "linear"
      self.factor = factor
    case .llama3(let scaling):
      rope_type = "llama3"
      factor = scaling.factor
      low_freq_factor = scaling.lowFrequencyFactor
      high_freq_factor = scaling.highFrequencyFactor
      original_max_position_embeddings = scaling.originalContext
    case .yarn(let scaling):
      rope_type = "yarn"
      factor = scaling.factor
      original_max_position_embeddings = scaling.originalContext
      (beta_fast, beta_slow) = (scaling.fastTurns, scaling.slowTurns)
      attention_factor = scaling.attentionFactor
      truncate = scaling.roundsRamp
    case .longRoPE(let scaling):
      rope_type = "longrope"
      (short_factor, long_factor) = (scaling.short, scaling.long)
      original_max_position_embeddings = scaling.originalContext
      attention_factor = scaling.attentionFactor
    }
  }
}
