internal import Foundation
internal import PrimerCheckpoints
internal import PrimerLayers
internal import PrimerTensors

/// The fields of config.json that rotary decoders spell alike.
private struct DecoderFields: Codable {
  var vocab_size, max_position_embeddings, num_attention_heads: Int?
  var hidden_size, num_hidden_layers, intermediate_size: Int
  var num_key_value_heads, head_dim: Int?
  var hidden_act, hidden_activation: String?
  var rms_norm_eps: Float?
  var rope_theta, partial_rotary_factor: Double?
  var rope_parameters, rope_scaling: RotaryFields?
  var original_max_position_embeddings: Int?
  var tie_word_embeddings: Bool?
}

/// What a family's config.json means where it is silent.
struct DecoderDefaults {
  var vocabulary, context, heads, keyValueHeads: Int?
  /// nil: the width divided among the heads.
  var headWidth: Int?
  var activation = "silu"
  var normEpsilon: Float = 1e-6
  var rotaryBase = 10_000.0
  var tiesHead = false
  /// Whether `rope_parameters` holds an entry a kind of layer, which the family reads itself.
  var rotaryPerLayerType = false
}

extension DecoderShape {
  static let activations: [String: Activation] = [
    "silu": .silu, "gelu": .gelu, "gelu_pytorch_tanh": .geluTanh, "gelu_new": .geluTanh,
    "relu": .relu, "relu2": .reluSquared,
  ]

  /// From config.json, checked.
  init(json: Data, from url: URL, _ defaults: DecoderDefaults = DecoderDefaults()) throws {
    let json = defaults.rotaryPerLayerType ? try json.without("rope_parameters", url) : json
    let file = try decoded(DecoderFields.self, json, url)
    let name = file.hidden_activation ?? file.hidden_act ?? defaults.activation
    guard let activation = Self.activations[name] else {
      throw CheckpointError.unsupported(
        url, what: "hidden_act '\(name)'", supported: Self.activations.keys.sorted())
    }
    func required(_ value: Int?, _ fallback: Int?, _ name: String) throws -> Int {
      guard let value = value ?? fallback else {
        throw CheckpointError.badConfiguration(
          url, reason: "no \"\(name)\"; fetch or export the model again")
      }
      return value
    }
    let vocabulary = try required(file.vocab_size, defaults.vocabulary, "vocab_size")
    let context = try required(
      file.max_position_embeddings, defaults.context, "max_position_embeddings")
    let heads = try required(file.num_attention_heads, defaults.heads, "num_attention_heads")
    let keyValueHeads = file.num_key_value_heads ?? defaults.keyValueHeads ?? heads
    let namedHeadWidth = file.head_dim ?? defaults.headWidth
    try validated(
      url,
      positive: [
        ("vocab_size", vocabulary), ("max_position_embeddings", context),
        ("hidden_size", file.hidden_size), ("intermediate_size", file.intermediate_size),
      ],
      countable: [
        ("num_hidden_layers", file.num_hidden_layers), ("num_attention_heads", heads),
        ("num_key_value_heads", keyValueHeads), ("head_dim", namedHeadWidth ?? 1),
      ],
      divides: [("num_key_value_heads", keyValueHeads, "num_attention_heads", heads)]
        + (namedHeadWidth == nil
          ? [("num_attention_heads", heads, "hidden_size", file.hidden_size)] : []))
    let headWidth = namedHeadWidth ?? file.hidden_size / heads
    try validated(url, positive: [], countable: [("head_dim", headWidth)], divides: [])
    self.init(
      vocabulary: vocabulary, context: context, width: file.hidden_size,
      layers: file.num_hidden_layers, heads: heads, keyValueHeads: keyValueHeads,
      headWidth: headWidth, hiddenWidth: file.intermediate_size, activation: activation,
      normEpsilon: file.rms_norm_eps ?? defaults.normEpsilon,
      rotary: try file.rotary.settings(
        base: defaults.rotaryBase, headWidth: headWidth, context: context, url),
      tiesHead: file.tie_word_embeddings ?? defaults.tiesHead)
  }

  /// config.json with the family's own fields; nil becomes null.
  func json(
    modelType: String, architecture: String, _ own: [String: (any Encodable & Sendable)?] = [:]
  ) throws -> Data {
    let fields = DecoderFields(
      vocab_size: vocabulary, max_position_embeddings: context, num_attention_heads: heads,
      hidden_size: width, num_hidden_layers: layers, intermediate_size: hiddenWidth,
      num_key_value_heads: keyValueHeads, head_dim: headWidth, hidden_act: activationName,
      rms_norm_eps: normEpsilon, rope_theta: rotary.base,
      rope_parameters: RotaryFields(rotary, headWidth: headWidth), tie_word_embeddings: tiesHead)
    var object =
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(fields)) as! [String: Any]
    object["model_type"] = modelType
    object["architectures"] = [architecture]
    object["torch_dtype"] = "float32"
    for (name, value) in own {
      guard let value else {
        object[name] = NSNull()
        continue
      }
      object[name] = try JSONSerialization.jsonObject(
        with: JSONEncoder().encode(value), options: .fragmentsAllowed)
    }
    let data = try JSONSerialization.data(
      withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    // `transformers` refuses a whole number where it declares a float.
    var text = String(decoding: data, as: UTF8.self)
    for case (let name, let value?) in own where value is Float {
      guard let number = object[name] as? NSNumber,
        number.doubleValue == number.doubleValue.rounded(), abs(number.doubleValue) < 1e9
      else { continue }
      let whole = "\"\(name)\" : \(number.intValue)"
      text = text.replacing(whole + ",", with: whole + ".0,").replacing(
        whole + "\n", with: whole + ".0\n")
    }
    return Data(text.utf8)
  }

  /// As config.json spells it.
  var activationName: String {
    Self.activations.sorted { $0.key < $1.key }
      .first { $0.value == activation && $0.key != "gelu_new" }!.key
  }
}

extension DecoderFields {
  /// What the file says of rotary positions, whichever spelling it uses.
  var rotary: RotaryFields {
    var fields = rope_parameters ?? rope_scaling ?? RotaryFields()
    if fields.rope_type == nil, fields.type == nil, let scaling = rope_scaling {
      fields = scaling
      fields.rope_theta = fields.rope_theta ?? rope_parameters?.rope_theta
    }
    fields.rope_theta = rope_theta ?? fields.rope_theta
    fields.partial_rotary_factor = fields.partial_rotary_factor ?? partial_rotary_factor
    fields.original_max_position_embeddings =
      fields.original_max_position_embeddings ?? original_max_position_embeddings
    return fields
  }
}

extension Data {
  /// This JSON object without one of its members.
  fileprivate func without(_ name: String, _ url: URL) throws -> Data {
    guard var object = try? JSONSerialization.jsonObject(with: self) as? [String: Any] else {
      throw CheckpointError.badConfiguration(url, reason: "not a JSON object")
    }
    object[name] = nil
    return try JSONSerialization.data(withJSONObject: object)
  }
}

/// Which layers see only a window: `layer_types` of config.json, for `count` layers.
func windowedLayers(
  _ types: [String]?, _ count: Int, _ url: URL, otherwise: (Int) -> Bool
) throws -> [Bool] {
  guard let types else { return (0..<count).map(otherwise) }
  guard types.count == count else {
    throw CheckpointError.badConfiguration(
      url, reason: "\"layer_types\" names \(types.count) layers, \"num_hidden_layers\" \(count)")
  }
  return try types.map { type in
    switch type {
    case "sliding_attention": return true
    case "full_attention": return false
    default:
      throw CheckpointError.unsupported(
        url, what: "layer type '\(type)'", supported: ["full_attention", "sliding_attention"])
    }
  }
}

/// `layer_types` of config.json.
func layerTypes(_ windowed: [Bool]) -> [String] {
  windowed.map { $0 ? "sliding_attention" : "full_attention" }
}

/// A window, and which layers it holds for, as Qwen's families spell them.
struct QwenWindows {
  let window: Int?
  let windowed: [Bool]

  private struct File: Decodable {
    var use_sliding_window: Bool?
    var sliding_window, max_window_layers: Int?
    var layer_types: [String]?
  }

  /// - Parameter otherwise: whether a layer is windowed where the file does not say it of each, by its
  ///   number and `max_window_layers`.
  init(
    json: Data, from url: URL, layers: Int, otherwise: (_ layer: Int, _ bound: Int) -> Bool
  ) throws {
    let file = try decoded(File.self, json, url)
    let window = try checkedWindow(
      file.use_sliding_window == true ? file.sliding_window ?? 4096 : nil, url)
    windowed = try windowedLayers(file.layer_types, layers, url) {
      window != nil && otherwise($0, file.max_window_layers ?? 28)
    }
    self.window = window
  }
}

/// Which layers have experts, as Qwen's families spell it: every `step`th but the plain ones.
func sparseLayers(
  _ layers: Int, step: Int?, plain: [Int]?, _ url: URL
) throws -> [Bool] {
  let step = step ?? 1
  try validated(url, positive: [("decoder_sparse_step", step)], divides: [])
  return (0..<layers).map { ($0 + 1) % step == 0 && !(plain ?? []).contains($0) }
}

/// Demands that a window, where there is one, sees something.
func checkedWindow(_ window: Int?, _ url: URL) throws -> Int? {
  try validated(url, positive: [("sliding_window", window ?? 1)], divides: [])
  return window
}

/// Demands that there are as many experts as a token asks.
func checkExperts(_ experts: MixtureOfExperts.Settings, _ url: URL) throws {
  try validated(
    url,
    positive: [("moe_intermediate_size", experts.hiddenWidth)],
    countable: [("num_experts", experts.experts), ("num_experts_per_tok", experts.chosen)],
    divides: [])
  guard experts.chosen <= experts.experts else {
    throw CheckpointError.badConfiguration(
      url,
      reason:
        "\"num_experts_per_tok\" is \(experts.chosen), but there are \(experts.experts) experts")
  }
}
