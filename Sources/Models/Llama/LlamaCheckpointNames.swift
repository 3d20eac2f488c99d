extension CheckpointNames {
  /// Paths are the names of `transformers` as they are; base models leave "model." out.
  static let llama = CheckpointNames(optionalPrefix: "model.")
}
