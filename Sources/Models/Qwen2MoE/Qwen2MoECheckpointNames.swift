extension CheckpointNames {
  /// Paths are the names of `transformers`, the weights of all experts stacked.
  static let qwen2MoE = CheckpointNames(
    experts: ["gate_proj": "gate_proj", "up_proj": "up_proj", "down_proj": "down_proj"],
    gguf: GGUFNames(
      architecture: "qwen2moe",
      fields: GGUFField.decoder + [
        GGUFField("expert_count", "num_experts"),
        GGUFField("expert_used_count", "num_experts_per_tok"),
        GGUFField("expert_feed_forward_length", "moe_intermediate_size"),
        GGUFField("expert_shared_feed_forward_length", "shared_expert_intermediate_size"),
        GGUFField("expert_weights_norm", "norm_topk_prob", .flag, optional: true),
      ],
      constants: ["norm_topk_prob": .flag(false)],
      presence: [("qkv_bias", "blk.0.attn_q.bias")],
      tensors: GGUFNames.attention + GGUFNames.feedForwardNorm + GGUFNames.feedForward
        + GGUFNames.experts("mlp") + [
          ("model.layers.#.mlp.shared_expert_gate", "blk.#.ffn_gate_inp_shexp"),
          ("model.layers.#.mlp.shared_expert.gate_proj", "blk.#.ffn_gate_shexp"),
          ("model.layers.#.mlp.shared_expert.up_proj", "blk.#.ffn_up_shexp"),
          ("model.layers.#.mlp.shared_expert.down_proj", "blk.#.ffn_down_shexp"),
        ]))
}
