internal import Foundation
internal import PrimerCheckpoints
internal import PrimerLayers
internal import PrimerTensors

/// A family's parameters and configuration as a GGUF file holds them.
struct GGUFReading {
  let file: GGUFFile
  let names: GGUFNames
  /// Whether rows of queries and keys are put into Hugging Face's order, which copies them.
  let reordersRotary: Bool
  private let heads, keyValueHeads: Int

  init(_ file: GGUFFile, _ names: GGUFNames, reordersRotary: Bool) throws {
    self.file = file
    self.names = names
    self.reordersRotary = reordersRotary && names.interleavesRotary
    let reader = GGUFNumbers(file, names.architecture)
    let layers = try reader.whole("block_count")!
    guard layers <= mostLayers else {
      throw CheckpointError.badConfiguration(
        file.url, reason: "it claims \(layers) layers (at most \(mostLayers))")
    }
    guard names.isRotaryDecoder else {
      (heads, keyValueHeads) = (1, 1)
      return
    }
    heads = try reader.whole("attention.head_count")!
    keyValueHeads = try reader.whole("attention.head_count_kv", optional: true) ?? heads
  }

  var rotaryLayout: RotaryTable.Layout {
    names.interleavesRotary && !reordersRotary ? .interleaved : .halves
  }

  /// The parameter `path`; rows of queries and keys as `rotaryLayout` says.
  func tensor(_ path: String) -> Tensor? {
    guard let name = names.name(path), let tensor = file.tensor(name) else { return nil }
    if names.addsOneToNorms, path.hasSuffix("norm.weight") {
      return tensor.converted(to: .float32) - 1
    }
    if reordersRotary, let heads = rotaryHeads(path, heads, keyValueHeads),
      tensor.shape[0] % (2 * heads) == 0
    {
      return tensor.reordered(RotaryRows.halvesFromInterleaved(tensor.shape[0], heads: heads))
    }
    let isRow = tensor.rank == 1 && path.hasSuffix("shared_expert_gate.weight")
    return isRow ? tensor.reshaped([1, -1]) : tensor
  }

  /// config.json's members.
  func configuration(modelType: String) throws -> [String: Any] {
    let reader = GGUFNumbers(file, names.architecture)
    var json: [String: Any] = ["model_type": modelType]
    for (member, value) in names.constants { json[member] = value.json }
    for field in names.fields {
      json[field.member] = try reader.value(field) ?? json[field.member]
    }
    for (member, tensor) in names.presence { json[member] = file.entries[tensor] != nil }
    guard let table = file.entries["token_embd.weight"], table.shape.count == 2 else {
      throw CheckpointError.damaged(file.url, reason: "it has no matrix 'token_embd.weight'")
    }
    json["vocab_size"] = table.shape[0]
    guard names.isRotaryDecoder else { return json }
    json["tie_word_embeddings"] = file.entries["output.weight"] == nil
    json["num_key_value_heads"] = keyValueHeads
    let width = try reader.whole("embedding_length")!
    let headWidth = try reader.whole("attention.key_length", optional: true) ?? width / heads
    guard headWidth > 0 else {
      throw CheckpointError.badConfiguration(
        file.url, reason: "\(heads) heads are too many for a width of \(width)")
    }
    json["head_dim"] = headWidth
    if let valueWidth = try reader.whole("attention.value_length", optional: true),
      valueWidth != headWidth
    {
      throw CheckpointError.unsupported(
        file.url, what: "values of \(valueWidth) numbers a head beside keys of \(headWidth)",
        supported: ["equal widths"])
    }
    if names.name("model.layers.0.mlp.experts.gate_proj.weight") != nil {
      json["mlp_only_layers"] = (0..<(try reader.whole("block_count")!)).filter {
        file.entries["blk.\($0).ffn_gate_inp.weight"] == nil
      }
    }
    try addRotary(&json, reader, headWidth: headWidth)
    if let pattern = names.windowPattern { try addWindows(&json, reader, pattern) }
    return json
  }

  private func addRotary(
    _ json: inout [String: Any], _ reader: GGUFNumbers, headWidth: Int
  ) throws {
    let base = json["rope_theta"] as? Double ?? 10_000
    json["rope_theta"] = base
    var rotary: [String: Any] = ["rope_theta": base]
    if let turning = try reader.whole("rope.dimension_count", optional: true), turning != headWidth
    {
      rotary["partial_rotary_factor"] = Double(turning) / Double(headWidth)
    }
    rotary["original_max_position_embeddings"] = try reader.whole(
      "rope.scaling.original_context_length", optional: true)
    let kind = file.metadata.string(names.architecture + ".rope.scaling.type") ?? "none"
    let factor =
      try reader.real("rope.scaling.factor", optional: true)
      ?? reader.real("rope.scale_linear", optional: true)
    func divisors(_ name: String) throws -> [Double]? {
      let all = file.tensor(name)?.converted(to: .float32).scalars.map(Double.init)
      guard all?.allSatisfy({ $0.isFinite && $0 > 0 }) ?? true else {
        throw CheckpointError.badConfiguration(
          file.url, reason: "'\(name)' holds other than positive numbers")
      }
      return all
    }
    if let long = try divisors("rope_factors_long.weight"),
      let short = try divisors("rope_factors_short.weight")
    {
      rotary["rope_type"] = "longrope"
      (rotary["short_factor"], rotary["long_factor"]) = (short, long)
      rotary["attention_factor"] = try reader.real("rope.scaling.attn_factor", optional: true)
    } else if let all = try divisors("rope_freqs.weight") {
      // Llama 3's scaling, as what it amounts to.
      rotary["rope_type"] = "longrope"
      (rotary["short_factor"], rotary["long_factor"]) = (all, all)
      rotary["attention_factor"] = 1.0
    } else if kind == "yarn" || (kind == "linear" || kind == "none") && (factor ?? 1) != 1 {
      // A factor without a kind is linear.
      rotary["rope_type"] = kind == "yarn" ? "yarn" : "linear"
      rotary["factor"] = factor
    } else if !["none", "linear", "longrope"].contains(kind) {
      throw CheckpointError.unsupported(
        file.url, what: "rope scaling '\(kind)'", supported: ["none", "linear", "yarn", "longrope"])
    }
    guard names.windowPattern == 6 else { return json["rope_parameters"] = rotary }
    json["rope_parameters"] = [
      "full_attention": rotary,
      "sliding_attention": [
        "rope_theta": json["rope_local_base_freq"] as? Double ?? 10_000, "rope_type": "default",
      ],
    ]
  }

  private func addWindows(
    _ json: inout [String: Any], _ reader: GGUFNumbers, _ usual: Int
  ) throws {
    let layers = try reader.whole("block_count")!
    let (width, headWidth) = (json["hidden_size"] as! Int, json["head_dim"] as! Int)
    json["query_pre_attn_scalar"] = GGUFNames.queryScale(
      layers: layers, width: width, heads: heads, headWidth: headWidth, pattern: usual)
    let key = names.architecture + ".attention.sliding_window_pattern"
    var windowed: [Bool]
    if let each = file.metadata.booleans(key) {
      windowed = each
    } else {
      let pattern = try reader.whole("attention.sliding_window_pattern", optional: true) ?? usual
      windowed = (0..<layers).map { ($0 + 1) % pattern != 0 }
    }
    if usual == 6, json["sliding_window"] == nil { windowed = windowed.map { _ in false } }
    json["layer_types"] = layerTypes(windowed)
  }
}

/// Numbers of a GGUF file's metadata, each positive.
struct GGUFNumbers {
  let file: GGUFFile
  let architecture: String

  init(_ file: GGUFFile, _ architecture: String) {
    self.file = file
    self.architecture = architecture
  }

  /// - Throws: `CheckpointError` that names the key, where it is missing and not optional, or not
  ///   positive.
  func whole(_ key: String, optional: Bool = false) throws -> Int? {
    let key = architecture + "." + key
    guard let value = file.metadata[key] else {
      if optional { return nil }
      throw missing(key)
    }
    var number = value.integer
    // Some files repeat a number for each layer.
    if number == nil, let all = value.array?.integers, Set(all).count == 1 { number = all.first }
    guard let number, number > 0, number < 1 << 31 else {
      throw CheckpointError.badConfiguration(
        file.url, reason: "'\(key)' is not one positive whole number below 2^31")
    }
    return number
  }

  func real(_ key: String, optional: Bool = false) throws -> Double? {
    let key = architecture + "." + key
    guard let value = file.metadata[key] else {
      if optional { return nil }
      throw missing(key)
    }
    guard let number = value.real, number.isFinite, number > 0 else {
      throw CheckpointError.badConfiguration(file.url, reason: "'\(key)' is not a positive number")
    }
    return number
  }

  func value(_ field: GGUFField) throws -> Any? {
    let key = architecture + "." + field.key
    switch field.kind {
    case .whole:
      // A window of 0 is none.
      if !field.isRequired, file.metadata.integer(key) == 0 { return nil }
      return try whole(field.key, optional: !field.isRequired)
    case .real:
      if !field.isRequired, file.metadata.real(key) == 0 { return nil }
      return try real(field.key, optional: !field.isRequired)
    case .flag: return file.metadata.boolean(key)
    }
  }

  private func missing(_ key: String) -> CheckpointError {
    .badConfiguration(
      file.url, reason: "no '\(key)' in its metadata; fetch or convert the model again")
  }
}

/// Heads whose rows turn in pairs; nil for parameters that are no queries or keys.
func rotaryHeads(_ path: String, _ heads: Int, _ keyValueHeads: Int) -> Int? {
  if path.contains(".self_attn.q_proj.") { return heads }
  return path.contains(".self_attn.k_proj.") ? keyValueHeads : nil
}

/// Orders of a head's rows: Hugging Face keeps pair i at rows i and i + half, ggml's llama at 2i and
/// 2i + 1.
enum RotaryRows {
  /// For each row in Hugging Face's order, where ggml's llama has it.
  static func halvesFromInterleaved(_ rows: Int, heads: Int) -> [Int] {
    let (width, half) = (rows / heads, rows / heads / 2)
    return (0..<rows).map { row in
      let (head, place) = (row / width, row % width)
      return head * width + 2 * (place % half) + place / half
    }
  }

  /// For each row in the order of ggml's llama, where Hugging Face has it.
  static func interleavedFromHalves(_ rows: Int, heads: Int) -> [Int] {
    let (width, half) = (rows / heads, rows / heads / 2)
    return (0..<rows).map { row in
      let (head, place) = (row / width, row % width)
      return head * width + place % 2 * half + place / 2
    }
  }
}
