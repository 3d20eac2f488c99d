public import PrimerTensors

/// The element types of ggml that a GGUF file can name: their numbers, names and blocks
/// (github.com/ggml-org/ggml, ggml.h and ggml-common.h). Primer reads those that are an
/// `ElementType`.
public struct GGMLType: Sendable, Equatable {
  /// As files number it.
  public let code: UInt32
  public let name: String
  let blockElements: Int
  let blockBytes: Int
  /// nil: known, but not read.
  public let elementType: ElementType?

  private init(
    _ code: UInt32, _ name: String, _ elements: Int, _ bytes: Int, _ type: ElementType? = nil
  ) {
    self.code = code
    self.name = name
    blockElements = elements
    blockBytes = bytes
    elementType = type
  }

  private init(_ code: UInt32, _ name: String, _ type: ElementType) {
    self.init(code, name, type.blockElements, type.blockBytes, type)
  }

  static let all: [GGMLType] = [
    GGMLType(0, "F32", .float32), GGMLType(1, "F16", .float16), GGMLType(2, "Q4_0", .q4_0),
    GGMLType(3, "Q4_1", .q4_1), GGMLType(6, "Q5_0", .q5_0), GGMLType(7, "Q5_1", .q5_1),
    GGMLType(8, "Q8_0", .q8_0), GGMLType(9, "Q8_1", 32, 36), GGMLType(10, "Q2_K", .q2_K),
    GGMLType(11, "Q3_K", .q3_K), GGMLType(12, "Q4_K", .q4_K), GGMLType(13, "Q5_K", .q5_K),
    GGMLType(14, "Q6_K", .q6_K), GGMLType(15, "Q8_K", 256, 292), GGMLType(16, "IQ2_XXS", 256, 66),
    GGMLType(17, "IQ2_XS", 256, 74), GGMLType(18, "IQ3_XXS", 256, 98),
    GGMLType(19, "IQ1_S", 256, 50), GGMLType(20, "IQ4_NL", 32, 18), GGMLType(21, "IQ3_S", 256, 110),
    GGMLType(22, "IQ2_S", 256, 82), GGMLType(23, "IQ4_XS", 256, 136), GGMLType(24, "I8", .int8),
    GGMLType(25, "I16", 1, 2), GGMLType(26, "I32", .int32), GGMLType(27, "I64", 1, 8),
    GGMLType(28, "F64", 1, 8), GGMLType(29, "IQ1_M", 256, 56), GGMLType(30, "BF16", .bfloat16),
    GGMLType(34, "TQ1_0", 256, 54), GGMLType(35, "TQ2_0", 256, 66), GGMLType(39, "MXFP4", .mxfp4),
    GGMLType(40, "NVFP4", 64, 36), GGMLType(41, "Q1_0", 128, 18),
  ]

  private static let byCode = Dictionary(uniqueKeysWithValues: all.map { ($0.code, $0) })

  init?(code: UInt32) {
    guard let type = Self.byCode[code] else { return nil }
    self = type
  }

  /// nil: GGUF has no such type.
  init?(_ elementType: ElementType) {
    guard let type = Self.all.first(where: { $0.elementType == elementType }) else { return nil }
    self = type
  }

  /// Names of the types that Primer reads.
  static let supported = all.filter { $0.elementType != nil }.map(\.name)
}
