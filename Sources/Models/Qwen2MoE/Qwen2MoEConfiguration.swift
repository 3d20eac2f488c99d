internal import Foundation
public import PrimerLayers

/// Qwen1.5-MoE and Qwen2-MoE (Yang et al. 2024, arXiv 2407.10671): Qwen2's attention; experts and one
/// that every token asks, weighed by a gate of its own.
public struct Qwen2MoEConfiguration: Sendable, Equatable {
  public var decoder: DecoderShape
  public var attentionBias: Bool
  public var experts: MixtureOfExperts.Settings
  public var sharedHiddenWidth: Int
  /// Which layers have experts; the others have a plain feed-forward layer.
  public var isSparse: [Bool]
  /// The last tokens that each token sees in windowed layers; nil: there are none.
  public var window: Int?
  /// Whether each layer is windowed.
  public var windowed: [Bool]

  func reach(_ layer: Int) -> AttentionReach {
    AttentionReach(window: windowed[layer] ? window : nil)
  }
}

/// config.json's spelling of what is Qwen2-MoE's own.
private struct Qwen2MoEFile: Codable {
  var qkv_bias, norm_topk_prob: Bool?
  var num_experts, num_experts_per_tok, moe_intermediate_size: Int?
  var shared_expert_intermediate_size, decoder_sparse_step: Int?
  var mlp_only_layers: [Int]?
}

extension Qwen2MoEConfiguration: ModelConfiguration {
  init(json: Data, from url: URL) throws {
    decoder = try DecoderShape(json: json, from: url)
    let file = try decoded(Qwen2MoEFile.self, json, url)
    attentionBias = file.qkv_bias ?? true
    experts = MixtureOfExperts.Settings(
      experts: file.num_experts ?? 60, chosen: file.num_experts_per_tok ?? 4,
      hiddenWidth: file.moe_intermediate_size ?? 1408,
      normalises: file.norm_topk_prob ?? false)
    try checkExperts(experts, url)
    sharedHiddenWidth = file.shared_expert_intermediate_size ?? 5632
    try validated(
      url, positive: [("shared_expert_intermediate_size", sharedHiddenWidth)], divides: [])
    isSparse = try sparseLayers(
      decoder.layers, step: file.decoder_sparse_step, plain: file.mlp_only_layers, url)
    let windows = try QwenWindows(json: json, from: url, layers: decoder.layers) {
      $0 % 2 == 0 && $0 < $1
    }
    (window, windowed) = (windows.window, windows.windowed)
  }

  var json: Data {
    get throws {
      try decoder.json(
        modelType: "qwen2_moe", architecture: "Qwen2MoeForCausalLM",
        [
          "qkv_bias": attentionBias, "norm_topk_prob": experts.normalises,
          "num_experts": experts.experts, "num_experts_per_tok": experts.chosen,
          "moe_intermediate_size": experts.hiddenWidth,
          "shared_expert_intermediate_size": sharedHiddenWidth, "decoder_sparse_step": 1,
          "mlp_only_layers": isSparse.indices.filter { !isSparse[$0] },
          "use_sliding_window": window != nil, "sliding_window": window ?? 0,
          "layer_types": layerTypes(windowed),
        ])
    }
  }
}
