public import Foundation
public import PrimerTensors

/// Which element type each tensor of a model gets: the wanted one where it fits, as llama-quantize
/// decides (llama.cpp, llama-quant.cpp).
public struct TypePlan: Sendable {
  public let wanted: ElementType
  /// Whether the output head is the embedding.
  let tiesHead: Bool

  public init(_ wanted: ElementType, tiesHead: Bool) {
    self.wanted = wanted
    self.tiesHead = tiesHead
  }

  /// The type of a tensor of GGUF's name. Norms, biases, routers of experts and anything of one axis
  /// stay f32; the output head gets at least six bits.
  public func type(_ name: String, _ shape: [Int]) -> ElementType {
    if Self.staysExact(name, shape) { return .float32 }
    let isHead = name == "output.weight" || tiesHead && name == "token_embd.weight"
    let needsBits = isHead && wanted.isQuantised && wanted != .q8_0 && wanted != .mxfp4
    return Self.fitting(needsBits ? .q6_K : wanted, columns: shape.last!)
  }

  static func staysExact(_ name: String, _ shape: [Int]) -> Bool {
    shape.count < 2 || !name.hasSuffix(".weight") || name.hasSuffix("_norm.weight")
      || name.contains("ffn_gate_inp")
      || name.hasPrefix("rope_f") || name.hasPrefix("position_embd")
      || name.hasPrefix("token_types")
  }

  /// `type`, or the nearest one with blocks that divide rows of `columns`.
  static func fitting(_ type: ElementType, columns: Int) -> ElementType {
    if columns % type.blockElements == 0 { return type }
    guard columns % 32 == 0 else { return .float16 }
    return switch type {
    case .q2_K, .q3_K: .q4_0
    case .q4_K: .q5_0
    case .q5_K: .q5_1
    default: .q8_0
    }
  }

  /// `general.file_type` of a file of that type (llama.cpp, llama.h).
  var fileType: UInt32? {
    switch wanted {
    case .float32: 0
    case .float16: 1
    case .q4_0: 2
    case .q4_1: 3
    case .q8_0: 7
    case .q5_0: 8
    case .q5_1: 9
    case .q2_K: 10
    case .q3_K: 11
    case .q4_K: 14
    case .q5_K: 16
    case .q6_K: 18
    case .bfloat16: 32
    case .mxfp4: 38
    case .int32, .int8, .bool: nil
    }
  }
}

extension GGUFMetadata {
  /// Says in which types a file's tensors are.
  public mutating func describe(_ plan: TypePlan) {
    self["general.file_type"] = plan.fileType.map { .uint32($0) }
    self["general.quantization_version"] = .uint32(2)
  }
}

extension GGUFFile {
  /// Writes this model with its weights in other types, its metadata kept.
  ///
  /// - Parameter wanted: nil keeps every tensor's type.
  public func write(to url: URL, as wanted: ElementType?) throws {
    let plan = wanted.map { TypePlan($0, tiesHead: entries["output.weight"] == nil) }
    var metadata = metadata
    if let plan { metadata.describe(plan) }
    for key in metadata.keys where key.hasPrefix("split.") { metadata[key] = nil }
    let declarations = names.map { name in
      let entry = entries[name]!
      return GGUFWriter.Declaration(
        name: name, shape: entry.shape,
        type: plan?.type(name, entry.shape) ?? entry.elementType!)
    }
    var writer = try GGUFWriter(url, metadata: metadata, tensors: declarations)
    for name in names { try writer.append(tensor(name)!) }
    try writer.commit()
  }
}
