extension CheckpointNames {
  /// In GGUF files a Mixtral is a llama with experts.
  static let mixtral = CheckpointNames(
    experts: ["gate_proj": "w1", "up_proj": "w3", "down_proj": "w2"],
    gguf: GGUFNames(
      architecture: "llama",
      fields: GGUFField.decoder + [
        GGUFField("expert_count", "num_local_experts"),
        GGUFField("expert_used_count", "num_experts_per_tok"),
        GGUFField("attention.sliding_window", "sliding_window", optional: true),
      ],
      tensors: GGUFNames.attention + GGUFNames.feedForwardNorm
        + GGUFNames.experts("block_sparse_moe"),
      interleavesRotary: true,
      accepts: { GGUFNames.isTrue($0, "llama.expert_count") }))
}
