public import Foundation
public import PrimerCheckpoints
internal import PrimerLayers
public import PrimerTensors

/// A model as a GGUF file tells it: metadata of its architecture, and its parameters under the file's
/// names and in its order of rows. The tokenizer's metadata and the element types are the writer's.
public struct GGUFExport: Sendable {
  /// `general.architecture` and the keys that begin with it.
  public let metadata: GGUFMetadata
  /// In the model's order.
  public let tensors: [Entry]

  /// A tensor of the file, made when asked.
  public struct Entry: Sendable {
    public let name: String
    public let shape: [Int]
    /// What the model holds it as.
    public let elementType: ElementType
    /// Norms, biases and tables of divisors, which stay f32.
    public let isVector: Bool
    private let make: @Sendable () -> Tensor

    init(
      _ name: String, _ shape: [Int], _ type: ElementType, isVector: Bool,
      make: @escaping @Sendable () -> Tensor
    ) {
      self.name = name
      self.shape = shape
      elementType = type
      self.isVector = isVector
      self.make = make
    }

    /// Contiguous, in `elementType`.
    public func tensor() -> Tensor { make() }
  }

  /// - Throws: `CheckpointError.unsupported` where GGUF has no words for what the model is.
  public init(_ model: any LanguageModel, from url: URL) throws {
    let names = type(of: model).checkpointNames.gguf
    let object = try JSONSerialization.jsonObject(with: model.configuration) as? [String: Any]
    let writing = GGUFWriting(names: names, json: object ?? [:], shape: model.shape, url: url)
    metadata = try writing.metadata()
    var tensors = try model.parameters.map { try writing.entry($0, model.rotaryLayout) }
    for (name, divisors) in try writing.divisors() {
      tensors.append(
        Entry(name, [divisors.count], .float32, isVector: true) {
          Tensor(divisors.map(Float.init), shape: [divisors.count])
        })
    }
    self.tensors = tensors
  }
}

/// A configuration and its parameters in the words of GGUF.
private struct GGUFWriting {
  let names: GGUFNames
  let json: [String: Any]
  let shape: ModelShape
  let url: URL

  func unsupported(_ what: String) -> CheckpointError {
    .unsupported(
      url, what: "in a GGUF file of '\(names.architecture)', \(what)",
      supported: ["what llama.cpp reads"])
  }

  func metadata() throws -> GGUFMetadata {
    var metadata = GGUFMetadata()
    metadata["general.architecture"] = .string(names.architecture)
    func key(_ name: String) -> String { names.architecture + "." + name }
    for field in names.fields {
      let value = json[field.member] as? NSNumber
      switch (field.kind, value) {
      case (.whole, let value?): metadata[key(field.key)] = .uint32(UInt32(value.intValue))
      case (.real, let value?): metadata[key(field.key)] = .float32(value.floatValue)
      case (.flag, let value?): metadata[key(field.key)] = .bool(value.boolValue)
      case (_, nil): break
      }
    }
    let spoken = Set(names.fields.map(\.member))
    for (member, constant) in names.constants where !spoken.contains(member) {
      guard let value = json[member] as? NSObject, value == constant.json as? NSObject else {
        throw unsupported("\"\(member)\" other than \(constant.json)")
      }
    }
    guard names.isRotaryDecoder else { return metadata }
    if names.windowPattern == nil, json["hidden_act"] as? String != "silu" {
      throw unsupported("an activation other than silu")
    }
    metadata[key("vocab_size")] = .uint32(UInt32(shape.vocabulary))
    metadata[key("attention.value_length")] = .uint32(UInt32(shape.headWidth))
    let rotary = try rotary()
    metadata[key("rope.dimension_count")] = .uint32(UInt32(rotary.width))
    try addScaling(&metadata, rotary)
    try addWindows(&metadata)
    return metadata
  }

  private func rotary() throws -> RotarySettings {
    var fields = json["rope_parameters"] as? [String: Any] ?? [:]
    if let global = fields["full_attention"] as? [String: Any] { fields = global }
    let data = try JSONSerialization.data(withJSONObject: fields)
    return try decoded(RotaryFields.self, data, url).settings(
      base: 10_000, headWidth: shape.headWidth, context: shape.context, url)
  }

  private func addScaling(_ metadata: inout GGUFMetadata, _ rotary: RotarySettings) throws {
    func key(_ name: String) -> String { names.architecture + ".rope.scaling." + name }
    metadata[names.architecture + ".rope.freq_base"] = .float32(Float(rotary.base))
    switch rotary.scaling {
    case .none, .llama3: break
    case .linear(let factor):
      metadata[key("type")] = .string("linear")
      metadata[key("factor")] = .float32(Float(factor))
    case .yarn(let scaling):
      let usual = YaRNScaling(factor: scaling.factor, originalContext: scaling.originalContext)
      guard scaling == usual else { throw unsupported("YaRN with other than its usual numbers") }
      metadata[key("type")] = .string("yarn")
      metadata[key("factor")] = .float32(Float(scaling.factor))
      metadata[key("original_context_length")] = .uint32(UInt32(scaling.originalContext))
    case .longRoPE(let scaling):
      guard !isOneSet(scaling) else { return }
      metadata[key("type")] = .string("longrope")
      metadata[key("original_context_length")] = .uint32(UInt32(scaling.originalContext))
      metadata[key("attn_factor")] = .float32(Float(scaling.attentionFactor))
    }
  }

  /// Divisors that texts of any length share, which a file holds as Llama 3's.
  private func isOneSet(_ scaling: LongRoPEScaling) -> Bool {
    scaling.short == scaling.long && scaling.attentionFactor == 1
  }

  /// Tensors of divisors of the rotary frequencies.
  func divisors() throws -> [(name: String, values: [Double])] {
    guard names.isRotaryDecoder else { return [] }
    let rotary = try rotary()
    switch rotary.scaling {
    case .none, .linear, .yarn: return []
    case .llama3: return [("rope_freqs.weight", rotary.divisors)]
    case .longRoPE(let scaling):
      if isOneSet(scaling) { return [("rope_freqs.weight", scaling.short)] }
      return [
        ("rope_factors_long.weight", scaling.long), ("rope_factors_short.weight", scaling.short),
      ]
    }
  }

  private func addWindows(_ metadata: inout GGUFMetadata) throws {
    let windowed = (json["layer_types"] as? [String])?.map { $0 == "sliding_attention" }
    guard let pattern = names.windowPattern else {
      let hasWindows = windowed?.contains(true) ?? false
      if hasWindows { throw unsupported("layers within a window") }
      return
    }
    let scale = GGUFNames.queryScale(
      layers: shape.layers, width: shape.width, heads: shape.heads, headWidth: shape.headWidth,
      pattern: pattern)
    guard (json["query_pre_attn_scalar"] as? NSNumber)?.doubleValue == Double(scale) else {
      throw unsupported("scores scaled otherwise than by the root of \(scale)")
    }
    guard let windowed else { return }
    let usual = windowed.indices.allSatisfy { windowed[$0] == (($0 + 1) % pattern != 0) }
    if !usual {
      metadata[names.architecture + ".attention.sliding_window_pattern"] = .array(
        GGUFArray(windowed))
    }
  }

  func entry(_ parameter: Parameter, _ layout: RotaryTable.Layout) throws -> GGUFExport.Entry {
    let (path, shape) = (parameter.name, parameter.shape)
    guard let name = names.name(path) else { throw unsupported("a tensor '\(path)'") }
    let isVector = parameter.role == .vector || shape.count < 2
    let type = parameter.value.elementType
    if names.addsOneToNorms, path.hasSuffix("norm.weight") {
      return GGUFExport.Entry(name, shape, .float32, isVector: true) {
        parameter.value.converted(to: .float32) + 1
      }
    }
    if names.interleavesRotary, layout == .halves,
      let heads = rotaryHeads(path, self.shape.heads, self.shape.keyValueHeads)
    {
      return GGUFExport.Entry(name, shape, type, isVector: isVector) {
        parameter.value.reordered(
          RotaryRows.interleavedFromHalves(shape[0], heads: heads))
      }
    }
    return GGUFExport.Entry(name, shape, type, isVector: isVector) {
      parameter.value.contiguous()
    }
  }
}
