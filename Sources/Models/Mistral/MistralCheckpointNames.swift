extension CheckpointNames {
  /// In GGUF files a Mistral is a llama; those that tell its window are read as one.
  static let mistral = CheckpointNames(
    gguf: GGUFNames(
      architecture: "llama",
      fields: GGUFField.decoder + [
        GGUFField("attention.sliding_window", "sliding_window", optional: true)
      ],
      tensors: GGUFNames.attention + GGUFNames.feedForwardNorm + GGUFNames.feedForward,
      interleavesRotary: true,
      accepts: {
        !GGUFNames.isTrue($0, "llama.expert_count")
          && GGUFNames.isTrue($0, "llama.attention.sliding_window")
      }))
}
