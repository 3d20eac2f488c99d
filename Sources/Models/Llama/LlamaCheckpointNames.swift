extension CheckpointNames {
  /// Paths are the names of `transformers` as they are; base models leave "model." out.
  static let llama = CheckpointNames(
    gguf: GGUFNames(
      architecture: "llama", fields: GGUFField.decoder,
      presence: [
        ("attention_bias", "blk.0.attn_q.bias"), ("mlp_bias", "blk.0.ffn_gate.bias"),
      ],
      tensors: GGUFNames.attention + GGUFNames.feedForwardNorm + GGUFNames.feedForward,
      interleavesRotary: true,
      accepts: {
        !GGUFNames.isTrue($0, "llama.expert_count")
          && !GGUFNames.isTrue($0, "llama.attention.sliding_window")
      }))
}
