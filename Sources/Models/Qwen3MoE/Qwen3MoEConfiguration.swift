internal import Foundation
public import PrimerLayers

/// Qwen3-MoE (Yang et al. 2025, arXiv 2505.09388): Qwen3's attention, experts in place of the
/// feed-forward layer.
public struct Qwen3MoEConfiguration: Sendable, Equatable {
  public var decoder: DecoderShape
  public var attentionBias: Bool
  public var experts: MixtureOfExperts.Settings
  /// Which layers have experts; the others have a plain feed-forward layer.
  public var isSparse: [Bool]
  /// The last tokens that each token sees, its own included; nil: all.
  public var window: Int?
}

/// config.json's spelling of what is Qwen3-MoE's own.
private struct Qwen3MoEFile: Codable {
  var attention_bias, norm_topk_prob, use_sliding_window: Bool?
  var num_experts, num_local_experts, num_experts_per_tok, moe_intermediate_size: Int?
  var decoder_sparse_step, sliding_window: Int?
  var mlp_only_layers: [Int]?
}

extension Qwen3MoEConfiguration: ModelConfiguration {
  init(json: Data, from url: URL) throws {
    decoder = try DecoderShape(json: json, from: url)
    let file = try decoded(Qwen3MoEFile.self, json, url)
    attentionBias = file.attention_bias ?? false
    experts = MixtureOfExperts.Settings(
      experts: file.num_experts ?? file.num_local_experts ?? 128,
      chosen: file.num_experts_per_tok ?? 8, hiddenWidth: file.moe_intermediate_size ?? 768,
      normalises: file.norm_topk_prob ?? false)
    try checkExperts(experts, url)
    isSparse = try sparseLayers(
      decoder.layers, step: file.decoder_sparse_step, plain: file.mlp_only_layers, url)
    window = try checkedWindow(
      file.use_sliding_window == true ? file.sliding_window ?? 4096 : nil, url)
  }

  var json: Data {
    get throws {
      try decoder.json(
        modelType: "qwen3_moe", architecture: "Qwen3MoeForCausalLM",
        [
          "attention_bias": attentionBias, "norm_topk_prob": experts.normalises,
          "num_experts": experts.experts, "num_experts_per_tok": experts.chosen,
          "moe_intermediate_size": experts.hiddenWidth, "decoder_sparse_step": 1,
          "mlp_only_layers": isSparse.indices.filter { !isSparse[$0] },
          "use_sliding_window": window != nil, "sliding_window": window,
        ])
    }
  }
}
