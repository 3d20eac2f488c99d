extension CheckpointNames {
  /// Paths are the names of `transformers` as they are; in GGUF files norms hold 1 + weight.
  static let gemma2 = CheckpointNames(
    gguf: GGUFNames(
      architecture: "gemma2",
      fields: GGUFField.decoder + [
        GGUFField("attention.sliding_window", "sliding_window", optional: true),
        GGUFField("attn_logit_softcapping", "attn_logit_softcapping", .real, optional: true),
        GGUFField("final_logit_softcapping", "final_logit_softcapping", .real, optional: true),
      ],
      constants: ["hidden_activation": .text("gelu_pytorch_tanh")],
      tensors: GGUFNames.attention + GGUFNames.sandwichNorms + GGUFNames.feedForward,
      addsOneToNorms: true, windowPattern: 2))
}
