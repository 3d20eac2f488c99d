extension CheckpointNames {
  /// Paths are the names of `transformers` as they are, without what surrounds the text part of
  /// multimodal models; in GGUF files norms hold 1 + weight.
  static let gemma3 = CheckpointNames(
    otherPrefixes: ["", "language_model.model.", "model.language_model."],
    gguf: GGUFNames(
      architecture: "gemma3",
      fields: GGUFField.decoder + [
        GGUFField("attention.sliding_window", "sliding_window", optional: true),
        GGUFField("rope.freq_base_swa", "rope_local_base_freq", .real, optional: true),
        GGUFField("final_logit_softcapping", "final_logit_softcapping", .real, optional: true),
      ],
      constants: ["hidden_activation": .text("gelu_pytorch_tanh")],
      tensors: GGUFNames.attention + GGUFNames.headNorms + GGUFNames.sandwichNorms
        + GGUFNames.feedForward,
      addsOneToNorms: true, windowPattern: 6))
}
