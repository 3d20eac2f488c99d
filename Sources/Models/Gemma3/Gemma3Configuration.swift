internal import Foundation
internal import PrimerCheckpoints
public import PrimerLayers

/// Gemma 3 (Gemma Team 2025, arXiv 2503.19786): Gemma 2's norms, those of queries and keys instead of
/// caps, and five layers within a window, with rotary positions of their own, to each one that sees all.
public struct Gemma3Configuration: Sendable, Equatable {
  /// Its rotary settings are those of layers that see all.
  public var decoder: DecoderShape
  /// Of windowed layers.
  public var localRotary: RotarySettings
  /// Scores are divided by its root.
  public var queryScale: Double
  /// The last tokens that each token sees in windowed layers.
  public var window: Int
  /// Whether each layer is windowed.
  public var windowed: [Bool]
  /// c·tanh(x / c) of logits; nil: none.
  public var logitCap: Float?

  func reach(_ layer: Int) -> AttentionReach {
    AttentionReach(
      window: windowed[layer] ? window : nil, scale: Float(1 / queryScale.squareRoot()))
  }
}

/// config.json's spelling of what is Gemma 3's own.
private struct Gemma3File: Codable {
  struct PerLayerType: Codable {
    var full_attention, sliding_attention: RotaryFields?
  }

  var query_pre_attn_scalar: Double?
  var sliding_window, sliding_window_pattern, _sliding_window_pattern: Int?
  var layer_types: [String]?
  var final_logit_softcapping, attn_logit_softcapping: Float?
  var use_bidirectional_attention: Bool?
  var rope_theta, rope_local_base_freq: Double?
  var rope_scaling: RotaryFields?
  var rope_parameters: PerLayerType?
}

/// A multimodal model's, whose text part is a Gemma 3 of its own.
private struct Gemma3Outside: Decodable {
  var text_config: Gemma3Inside?
  struct Gemma3Inside: Decodable {}
}

extension Gemma3Configuration: ModelConfiguration {
  private static let defaults = DecoderDefaults(
    vocabulary: 262_208, context: 131_072, heads: 8, keyValueHeads: 4, headWidth: 256,
    activation: "gelu_pytorch_tanh", rotaryBase: 1_000_000, tiesHead: true,
    rotaryPerLayerType: true)
  private static let localBase = 10_000.0

  init(json: Data, from url: URL) throws {
    let json = try Self.textPart(json, url)
    let shape = try DecoderShape(json: json, from: url, Self.defaults)
    let file = try decoded(Gemma3File.self, json, url)
    guard file.use_bidirectional_attention != true, file.attn_logit_softcapping == nil else {
      throw CheckpointError.unsupported(
        url, what: "a Gemma 3 that looks ahead or caps its scores", supported: ["plain Gemma 3"])
    }
    func settings(_ fields: RotaryFields, _ base: Double) throws -> RotarySettings {
      try fields.settings(
        base: base, headWidth: shape.headWidth, context: shape.context, url)
    }
    decoder = shape
    var global = file.rope_parameters?.full_attention ?? file.rope_scaling ?? RotaryFields()
    global.rope_theta = global.rope_theta ?? file.rope_theta
    var local = file.rope_parameters?.sliding_attention ?? RotaryFields()
    local.rope_theta = local.rope_theta ?? file.rope_local_base_freq
    localRotary = try settings(local, Self.localBase)
    decoder.rotary = try settings(global, Self.defaults.rotaryBase)
    queryScale = try positive(file.query_pre_attn_scalar ?? 256, "query_pre_attn_scalar", url)
    window = try checkedWindow(file.sliding_window ?? 4096, url)!
    let pattern = file.sliding_window_pattern ?? file._sliding_window_pattern ?? 6
    try validated(url, positive: [("sliding_window_pattern", pattern)], divides: [])
    windowed = try windowedLayers(file.layer_types, decoder.layers, url) {
      ($0 + 1) % pattern != 0
    }
    logitCap = file.final_logit_softcapping
  }

  private static func textPart(_ json: Data, _ url: URL) throws -> Data {
    guard try decoded(Gemma3Outside.self, json, url).text_config != nil,
      let object = try JSONSerialization.jsonObject(with: json) as? [String: Any],
      let inside = object["text_config"]
    else { return json }
    return try JSONSerialization.data(withJSONObject: inside)
  }

  var json: Data {
    get throws {
      try decoder.json(
        modelType: "gemma3_text", architecture: "Gemma3ForCausalLM",
        [
          "hidden_activation": decoder.activationName, "query_pre_attn_scalar": queryScale,
          "sliding_window": window, "layer_types": layerTypes(windowed),
          "final_logit_softcapping": logitCap, "rope_local_base_freq": localRotary.base,
          "rope_parameters": Gemma3File.PerLayerType(
            full_attention: RotaryFields(decoder.rotary, headWidth: decoder.headWidth),
            sliding_attention: RotaryFields(localRotary, headWidth: decoder.headWidth)),
        ])
    }
  }
}
