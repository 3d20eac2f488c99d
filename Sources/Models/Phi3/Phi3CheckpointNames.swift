extension CheckpointNames {
  /// Paths are the names of `transformers` as they are.
  static let phi3 = CheckpointNames(
    gguf: GGUFNames(
      architecture: "phi3",
      fields: GGUFField.decoder + [
        GGUFField("attention.sliding_window", "sliding_window", optional: true)
      ],
      tensors: GGUFNames.attention + GGUFNames.feedForwardNorm + [
        ("model.layers.#.self_attn.qkv_proj", "blk.#.attn_qkv"),
        ("model.layers.#.mlp.gate_up_proj", "blk.#.ffn_up"),
        ("model.layers.#.mlp.down_proj", "blk.#.ffn_down"),
      ]))
}
