internal import Foundation
public import PrimerLayers

/// Gemma 2 (Gemma Team 2024, arXiv 2408.00118): norms before and after each sublayer, soft-capped
/// scores and logits, every other layer within a window, scaled embeddings.
public struct Gemma2Configuration: Sendable, Equatable {
  public var decoder: DecoderShape
  /// Scores are divided by its root.
  public var queryScale: Double
  /// The last tokens that each token sees in windowed layers.
  public var window: Int
  /// Whether each layer is windowed.
  public var windowed: [Bool]
  /// c·tanh(x / c) of scores and of logits; nil: none.
  public var scoreCap, logitCap: Float?

  func reach(_ layer: Int) -> AttentionReach {
    AttentionReach(
      window: windowed[layer] ? window : nil, softCap: scoreCap,
      scale: Float(1 / queryScale.squareRoot()))
  }
}

/// config.json's spelling of what is Gemma 2's own.
private struct Gemma2File: Codable {
  var query_pre_attn_scalar: Double?
  var sliding_window: Int?
  var layer_types: [String]?
  var attn_logit_softcapping, final_logit_softcapping: Float?
}

extension Gemma2Configuration: ModelConfiguration {
  init(json: Data, from url: URL) throws {
    decoder = try DecoderShape(
      json: json, from: url,
      DecoderDefaults(headWidth: 256, activation: "gelu_pytorch_tanh", tiesHead: true))
    let file = try decoded(Gemma2File.self, json, url)
    queryScale = try positive(file.query_pre_attn_scalar ?? 256, "query_pre_attn_scalar", url)
    window = try checkedWindow(file.sliding_window ?? 4096, url)!
    windowed = try windowedLayers(file.layer_types, decoder.layers, url) { $0 % 2 == 0 }
    scoreCap = file.attn_logit_softcapping
    logitCap = file.final_logit_softcapping
  }

  var json: Data {
    get throws {
      try decoder.json(
        modelType: "gemma2", architecture: "Gemma2ForCausalLM",
        [
          "hidden_activation": decoder.activationName, "query_pre_attn_scalar": queryScale,
          "sliding_window": window, "layer_types": layerTypes(windowed),
          "attn_logit_softcapping": scoreCap, "final_logit_softcapping": logitCap,
        ])
    }
  }
}
