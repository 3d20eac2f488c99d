extension CheckpointNames {
  /// Paths are the names of `transformers`, the weights of all experts stacked.
  static let qwen3MoE = CheckpointNames(
    experts: ["gate_proj": "gate_proj", "up_proj": "up_proj", "down_proj": "down_proj"],
    gguf: GGUFNames(
      architecture: "qwen3moe",
      fields: GGUFField.decoder + [
        GGUFField("expert_count", "num_experts"),
        GGUFField("expert_used_count", "num_experts_per_tok"),
        GGUFField("expert_feed_forward_length", "moe_intermediate_size"),
        GGUFField("expert_weights_norm", "norm_topk_prob", .flag, optional: true),
      ],
      constants: ["norm_topk_prob": .flag(true)],
      presence: [("attention_bias", "blk.0.attn_q.bias")],
      tensors: GGUFNames.attention + GGUFNames.headNorms + GGUFNames.feedForwardNorm
        + GGUFNames.feedForward + GGUFNames.experts("mlp")))
}
