extension CheckpointNames {
  /// `transformers` keeps GPT-2's weights as [inputs, outputs] (its Conv1D), and base models
  /// without "transformer.".
  static let gpt2 = CheckpointNames(
    transposed: [
      "attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight",
    ], prefix: "transformer.",
    gguf: GGUFNames(
      architecture: "gpt2",
      fields: [
        GGUFField("block_count", "n_layer"), GGUFField("context_length", "n_positions"),
        GGUFField("embedding_length", "n_embd"), GGUFField("feed_forward_length", "n_inner"),
        GGUFField("attention.head_count", "n_head"),
        GGUFField("attention.layer_norm_epsilon", "layer_norm_epsilon", .real),
      ],
      constants: ["activation_function": .text("gelu_new")],
      tensors: [
        ("transformer.wte", "token_embd"), ("transformer.wpe", "position_embd"),
        ("transformer.ln_f", "output_norm"), ("transformer.h.#.ln_1", "blk.#.attn_norm"),
        ("transformer.h.#.attn.c_attn", "blk.#.attn_qkv"),
        ("transformer.h.#.attn.c_proj", "blk.#.attn_output"),
        ("transformer.h.#.ln_2", "blk.#.ffn_norm"), ("transformer.h.#.mlp.c_fc", "blk.#.ffn_up"),
        ("transformer.h.#.mlp.c_proj", "blk.#.ffn_down"),
      ],
      isRotaryDecoder: false))
}
