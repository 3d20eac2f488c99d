extension CheckpointNames {
  /// Paths are the names of `transformers` as they are.
  static let qwen2 = CheckpointNames(
    gguf: GGUFNames(
      architecture: "qwen2", fields: GGUFField.decoder,
      tensors: GGUFNames.attention + GGUFNames.feedForwardNorm + GGUFNames.feedForward))
}
