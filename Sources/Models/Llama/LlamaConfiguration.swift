internal import Foundation
internal import PrimerCheckpoints
public import PrimerTensors

/// Llama (Touvron et al. 2023, arXiv 2302.13971): RMS norm, rotary positions, gated feed-forward,
/// grouped heads.
public struct LlamaConfiguration: Sendable, Equatable {
  public var vocabulary: Int
  public var context: Int
  public var width: Int
  public var layers: Int
  public var heads: Int
  /// Heads of keys and values, each shared by a group of query heads (Ainslie et al. 2023, arXiv
  /// 2305.13245).
  public var keyValueHeads: Int
  public var headWidth: Int
  public var hiddenWidth: Int
  public var activation: Activation
  public var normEpsilon: Float
  /// Base of the rotary frequencies.
  public var rotaryBase: Double
  public var tiesHead: Bool
  public var attentionBias: Bool
  public var feedForwardBias: Bool

  public init(
    vocabulary: Int, context: Int, width: Int, layers: Int, heads: Int, keyValueHeads: Int? = nil,
    headWidth: Int? = nil, hiddenWidth: Int, activation: Activation = .silu,
    normEpsilon: Float = 1e-5, rotaryBase: Double = 10_000, tiesHead: Bool = false,
    attentionBias: Bool = false, feedForwardBias: Bool = false
  ) {
    self.vocabulary = vocabulary
    self.context = context
    self.width = width
    self.layers = layers
    self.heads = heads
    self.keyValueHeads = keyValueHeads ?? heads
    self.headWidth = headWidth ?? width / max(heads, 1)
    self.hiddenWidth = hiddenWidth
    self.activation = activation
    self.normEpsilon = normEpsilon
    self.rotaryBase = rotaryBase
    self.tiesHead = tiesHead
    self.attentionBias = attentionBias
    self.feedForwardBias = feedForwardBias
  }
}

/// config.json's spelling.
private struct LlamaFile: Codable {
  struct RotaryParameters: Codable {
    var rope_type: String?
    var rope_theta: Double?
  }
  struct RotaryScaling: Codable {
    var rope_type: String?
    var type: String?
  }

  var architectures: [String]? = ["LlamaForCausalLM"]
  var model_type: String? = "llama"
  var vocab_size: Int
  var max_position_embeddings: Int
  var hidden_size: Int
  var num_hidden_layers: Int
  var num_attention_heads: Int
  var num_key_value_heads: Int?
  var head_dim: Int?
  var intermediate_size: Int
  var hidden_act: String?
  var rms_norm_eps: Float?
  var rope_theta: Double?
  var rope_parameters: RotaryParameters?
  var rope_scaling: RotaryScaling?
  var tie_word_embeddings: Bool?
  var attention_bias: Bool?
  var mlp_bias: Bool?
  var torch_dtype: String? = "float32"
}

extension LlamaConfiguration {
  private static let activations: [String: Activation] = [
    "silu": .silu, "gelu": .gelu, "gelu_pytorch_tanh": .geluTanh, "relu": .relu,
    "relu2": .reluSquared,
  ]

  init(json: Data, from url: URL) throws {
    let file = try decoded(LlamaFile.self, json, url)
    let name = file.hidden_act ?? "silu"
    guard let activation = Self.activations[name] else {
      throw CheckpointError.unsupported(
        url, what: "hidden_act '\(name)'", supported: Self.activations.keys.sorted())
    }
    let scaling =
      file.rope_parameters?.rope_type ?? file.rope_scaling?.rope_type ?? file.rope_scaling?.type
    guard scaling == nil || scaling == "default" else {
      throw CheckpointError.unsupported(
        url, what: "rope scaling '\(scaling!)'", supported: ["default"])
    }
    try validated(
      url,
      positive: [
        ("vocab_size", file.vocab_size), ("hidden_size", file.hidden_size),
        ("max_position_embeddings", file.max_position_embeddings),
        ("num_hidden_layers", file.num_hidden_layers),
        ("num_attention_heads", file.num_attention_heads),
        ("num_key_value_heads", file.num_key_value_heads ?? 1),
        ("intermediate_size", file.intermediate_size), ("head_dim", file.head_dim ?? 1),
      ],
      divides: [
        (
          "num_key_value_heads", file.num_key_value_heads ?? 1, "num_attention_heads",
          file.num_attention_heads
        ),
        file.head_dim == nil
          ? ("num_attention_heads", file.num_attention_heads, "hidden_size", file.hidden_size)
          : ("1", 1, "head_dim", 1),
      ])
    self.init(
      vocabulary: file.vocab_size, context: file.max_position_embeddings,
      width: file.hidden_size, layers: file.num_hidden_layers, heads: file.num_attention_heads,
      keyValueHeads: file.num_key_value_heads, headWidth: file.head_dim,
      hiddenWidth: file.intermediate_size, activation: activation,
      normEpsilon: file.rms_norm_eps ?? 1e-6,
      rotaryBase: file.rope_theta ?? file.rope_parameters?.rope_theta ?? 10_000,
      tiesHead: file.tie_word_embeddings ?? false, attentionBias: file.attention_bias ?? false,
      feedForwardBias: file.mlp_bias ?? false)
  }

  var json: Data {
    get throws {
      let name = Self.activations.first { $0.value == activation }!.key
      return try encoded(
        LlamaFile(
          vocab_size: vocabulary, max_position_embeddings: context, hidden_size: width,
          num_hidden_layers: layers, num_attention_heads: heads,
          num_key_value_heads: keyValueHeads, head_dim: headWidth, intermediate_size: hiddenWidth,
          hidden_act: name, rms_norm_eps: normEpsilon, rope_theta: rotaryBase,
          rope_parameters: .init(rope_type: "default", rope_theta: rotaryBase),
          tie_word_embeddings: tiesHead, attention_bias: attentionBias, mlp_bias: feedForwardBias))
    }
  }
}
