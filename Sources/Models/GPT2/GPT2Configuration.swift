internal import Foundation
public import PrimerTensors
internal import PrimerCheckpoints

/// GPT-2 (Radford et al. 2019): learned positions, pre-norm blocks, tied head.
public struct GPT2Configuration: Sendable, Equatable {
  public var vocabulary: Int
  public var context: Int
  public var width: Int
  public var layers: Int
  public var heads: Int
  /// Inside the feed-forward layer; 4 · width in every published model.
  public var hiddenWidth: Int
  public var activation: Activation
  public var normEpsilon: Float

  public init(
    vocabulary: Int, context: Int, width: Int, layers: Int, heads: Int, hiddenWidth: Int? = nil,
    activation: Activation = .geluTanh, normEpsilon: Float = 1e-5
  ) {
    self.vocabulary = vocabulary
    self.context = context
    self.width = width
    self.layers = layers
    self.heads = heads
    self.hiddenWidth = hiddenWidth ?? 4 * width
    self.activation = activation
    self.normEpsilon = normEpsilon
  }

  var headWidth: Int { width / heads }
}

/// config.json's spelling.
private struct GPT2File: Codable {
  var architectures: [String]? = ["GPT2LMHeadModel"]
  var model_type: String? = "gpt2"
  var vocab_size: Int
  var n_positions: Int
  var n_embd: Int
  var n_layer: Int
  var n_head: Int
  var n_inner: Int?
  var activation_function: String?
  var layer_norm_epsilon: Float?
  var tie_word_embeddings: Bool? = true
  var attn_pdrop: Float? = 0
  var embd_pdrop: Float? = 0
  var resid_pdrop: Float? = 0
  var initializer_range: Float? = 0.02
  var scale_attn_weights: Bool?
  var scale_attn_by_inverse_layer_idx: Bool?
  var torch_dtype: String? = "float32"
}

extension GPT2Configuration: ModelConfiguration {
  private static let activations: [String: Activation] = [
    "gelu_new": .geluTanh, "gelu_pytorch_tanh": .geluTanh, "gelu": .gelu, "relu": .relu,
    "silu": .silu, "relu2": .reluSquared,
  ]

  init(json: Data, from url: URL) throws {
    let file = try decoded(GPT2File.self, json, url)
    let name = file.activation_function ?? "gelu_new"
    guard let activation = Self.activations[name] else {
      throw CheckpointError.unsupported(
        url, what: "activation_function '\(name)'", supported: Self.activations.keys.sorted())
    }
    guard file.scale_attn_by_inverse_layer_idx != true, file.scale_attn_weights != false,
      file.tie_word_embeddings != false
    else {
      throw CheckpointError.unsupported(
        url, what: "attention scaled otherwise than by its width, or an untied head,",
        supported: ["plain GPT-2"])
    }
    try validated(
      url,
      positive: [
        ("vocab_size", file.vocab_size), ("n_positions", file.n_positions),
        ("n_embd", file.n_embd), ("n_inner", file.n_inner ?? 1),
      ], countable: [("n_layer", file.n_layer), ("n_head", file.n_head)],
      divides: [("n_head", file.n_head, "n_embd", file.n_embd)])
    self.init(
      vocabulary: file.vocab_size, context: file.n_positions, width: file.n_embd,
      layers: file.n_layer, heads: file.n_head, hiddenWidth: file.n_inner, activation: activation,
      normEpsilon: file.layer_norm_epsilon ?? 1e-5)
  }

  var json: Data {
    get throws {
      let name = Self.activations.sorted { $0.key < $1.key }
        .first { $0.value == activation && $0.key != "gelu_pytorch_tanh" }!.key
      return try encoded(
        GPT2File(
          vocab_size: vocabulary, n_positions: context, n_embd: width, n_layer: layers,
          n_head: heads, n_inner: hiddenWidth, activation_function: name,
          layer_norm_epsilon: normEpsilon))
    }
  }
}
