internal import PrimerCheckpoints

/// How GGUF files spell a family's configuration and parameters (ggml, docs/gguf.md; names as
/// gguf-py's constants.py): one table each, read in both directions.
struct GGUFNames: Sendable {
  /// `general.architecture`, which begins the keys.
  let architecture: String
  let fields: [GGUFField]
  /// Members of config.json that the files leave unsaid.
  var constants: [String: GGUFConstant] = [:]
  /// Members of config.json that tell whether a tensor is there.
  var presence: [(field: String, tensor: String)] = []
  /// Paths and names without ".weight" and ".bias"; `#` stands for the layer's number.
  let tensors: [(path: String, name: String)]
  /// Whether the rows of queries and keys are ordered for interleaved pairs.
  var interleavesRotary = false
  /// Whether 1 has been added to the weights of norms.
  var addsOneToNorms = false
  /// Whether head widths, scaled rotary positions and a tied head are told as decoders tell them.
  var isRotaryDecoder = true
  /// How windowed layers are told where not each is said; nil: the family has none.
  var windowPattern: Int?
  /// Which of the families of an architecture a file belongs to.
  var accepts: @Sendable (GGUFMetadata) -> Bool = { _ in true }

  /// The file's name of the parameter `path`; nil where it has none.
  func name(_ path: String) -> String? {
    translated(path, tensors.map { ($0.path, $0.name) })
  }

  private func translated(_ text: String, _ table: [(from: String, to: String)]) -> String? {
    var parts = text.split(separator: ".").map(String.init)
    guard let last = parts.popLast() else { return nil }
    let number = parts.firstIndex { $0.allSatisfy(\.isNumber) }
    let layer = number.map { parts[$0] }
    if let number { parts[number] = "#" }
    let stem = parts.joined(separator: ".")
    guard let entry = table.first(where: { $0.from == stem }) else { return nil }
    let name = entry.to.replacing("#", with: layer ?? "")
    return name + "." + last
  }
}

/// A member of config.json that files do not spell.
enum GGUFConstant: Sendable {
  case flag(Bool)
  case text(String)
  case whole(Int)

  var json: Any {
    switch self {
    case .flag(let value): value
    case .text(let value): value
    case .whole(let value): value
    }
  }
}

/// A metadata key, after the architecture's name, and the member of config.json that says the same.
struct GGUFField: Sendable {
  enum Kind: Sendable { case whole, real, flag }
  let key: String
  let member: String
  let kind: Kind
  let isRequired: Bool

  init(_ key: String, _ member: String, _ kind: Kind = .whole, optional: Bool = false) {
    self.key = key
    self.member = member
    self.kind = kind
    isRequired = !optional
  }

  /// What the files of every rotary decoder say.
  static let decoder = [
    GGUFField("block_count", "num_hidden_layers"),
    GGUFField("context_length", "max_position_embeddings"),
    GGUFField("embedding_length", "hidden_size"),
    GGUFField("feed_forward_length", "intermediate_size"),
    GGUFField("attention.head_count", "num_attention_heads"),
    GGUFField("attention.head_count_kv", "num_key_value_heads", optional: true),
    GGUFField("attention.key_length", "head_dim", optional: true),
    GGUFField("attention.layer_norm_rms_epsilon", "rms_norm_eps", .real),
    GGUFField("rope.freq_base", "rope_theta", .real, optional: true),
  ]
}

extension GGUFNames {
  /// Parameters outside the blocks, attention and norms of every rotary decoder.
  static let attention: [(path: String, name: String)] = [
    ("model.embed_tokens", "token_embd"),
    ("model.norm", "output_norm"),
    ("lm_head", "output"),
    ("model.layers.#.input_layernorm", "blk.#.attn_norm"),
    ("model.layers.#.self_attn.q_proj", "blk.#.attn_q"),
    ("model.layers.#.self_attn.k_proj", "blk.#.attn_k"),
    ("model.layers.#.self_attn.v_proj", "blk.#.attn_v"),
    ("model.layers.#.self_attn.o_proj", "blk.#.attn_output"),
  ]
  /// The norms of queries and keys.
  static let headNorms: [(path: String, name: String)] = [
    ("model.layers.#.self_attn.q_norm", "blk.#.attn_q_norm"),
    ("model.layers.#.self_attn.k_norm", "blk.#.attn_k_norm"),
  ]
  /// A gated feed-forward layer.
  static let feedForward: [(path: String, name: String)] = [
    ("model.layers.#.mlp.gate_proj", "blk.#.ffn_gate"),
    ("model.layers.#.mlp.up_proj", "blk.#.ffn_up"),
    ("model.layers.#.mlp.down_proj", "blk.#.ffn_down"),
  ]
  /// The norm before a feed-forward layer.
  static let feedForwardNorm: [(path: String, name: String)] = [
    ("model.layers.#.post_attention_layernorm", "blk.#.ffn_norm")
  ]
  /// Norms before and after each sublayer.
  static let sandwichNorms: [(path: String, name: String)] = [
    ("model.layers.#.post_attention_layernorm", "blk.#.post_attention_norm"),
    ("model.layers.#.pre_feedforward_layernorm", "blk.#.ffn_norm"),
    ("model.layers.#.post_feedforward_layernorm", "blk.#.post_ffw_norm"),
  ]

  /// Experts in `scope`.
  static func experts(_ scope: String) -> [(path: String, name: String)] {
    [
      ("model.layers.#.\(scope).gate", "blk.#.ffn_gate_inp"),
      ("model.layers.#.\(scope).experts.gate_proj", "blk.#.ffn_gate_exps"),
      ("model.layers.#.\(scope).experts.up_proj", "blk.#.ffn_up_exps"),
      ("model.layers.#.\(scope).experts.down_proj", "blk.#.ffn_down_exps"),
    ]
  }

  static func isTrue(_ metadata: GGUFMetadata, _ key: String) -> Bool {
    (metadata.integer(key) ?? 0) > 0
  }

  /// What Gemma divides scores by the root of, which files leave unsaid: its 27B models, known by their
  /// layers, divide the width among the heads (gemma_pytorch, config.py), the others use a head's.
  static func queryScale(
    layers: Int, width: Int, heads: Int, headWidth: Int, pattern: Int
  ) -> Int {
    layers == (pattern == 2 ? 46 : 62) ? width / heads : headWidth
  }
}
