extension CheckpointNames {
  /// Paths are the names of `transformers` as they are.
  static let qwen3 = CheckpointNames(
    gguf: GGUFNames(
      architecture: "qwen3", fields: GGUFField.decoder,
      presence: [("attention_bias", "blk.0.attn_q.bias")],
      tensors: GGUFNames.attention + GGUFNames.headNorms + GGUFNames.feedForwardNorm
        + GGUFNames.feedForward))
}
