extension CheckpointNames {
  /// `transformers` keeps GPT-2's weights as [inputs, outputs] (its Conv1D), and base models
  /// without "transformer.".
  static let gpt2 = CheckpointNames(
    transposed: [
      "attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight",
    ], optionalPrefix: "transformer.")
}
