internal import CKernels

/// What the elements of a tensor are. Quantised types hold whole blocks of a row, each with its own
/// scale; layouts as ggml's (github.com/ggml-org/ggml).
public enum ElementType: UInt8, Sendable, CaseIterable {
  case float32, float16, bfloat16, int32, int8, bool
  case q4_0, q4_1, q5_0, q5_1, q8_0
  case q2_K, q3_K, q4_K, q5_K, q6_K
  case mxfp4

  /// Elements of a block: 1, 32 or 256.
  public var blockElements: Int {
    switch self {
    case .float32, .float16, .bfloat16, .int32, .int8, .bool: 1
    case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .mxfp4: 32
    case .q2_K, .q3_K, .q4_K, .q5_K, .q6_K: 256
    }
  }

  /// Bytes of a block.
  public var blockBytes: Int {
    switch self {
    case .float32, .int32: 4
    case .float16, .bfloat16: 2
    case .int8, .bool: 1
    case .q4_0: 18
    case .q4_1: 20
    case .q5_0: 22
    case .q5_1: 24
    case .q8_0: 34
    case .q2_K: 84
    case .q3_K: 110
    case .q4_K: 144
    case .q5_K: 176
    case .q6_K: 210
    case .mxfp4: 17
    }
  }

  /// Whether elements share scales, so that single ones cannot be written or sliced.
  public var isQuantised: Bool { blockElements > 1 }

  /// Whether products read it; the others are indices and flags.
  public var isWeight: Bool { weightType != nil }

  /// Bytes of `elements` elements, a whole number of blocks.
  public func byteCount(of elements: Int) -> Int {
    precondition(
      elements % blockElements == 0,
      "\(elements) elements of \(self), whose blocks have \(blockElements)")
    return elements / blockElements * blockBytes
  }

  /// The type in the kernels' terms; nil where products cannot read it.
  var weightType: primer_weight_type? {
    switch self {
    case .float32: PRIMER_WEIGHT_F32
    case .float16: PRIMER_WEIGHT_F16
    case .bfloat16: PRIMER_WEIGHT_BF16
    case .int32, .int8, .bool: nil
    case .q4_0: PRIMER_WEIGHT_Q4_0
    case .q4_1: PRIMER_WEIGHT_Q4_1
    case .q5_0: PRIMER_WEIGHT_Q5_0
    case .q5_1: PRIMER_WEIGHT_Q5_1
    case .q8_0: PRIMER_WEIGHT_Q8_0
    case .q2_K: PRIMER_WEIGHT_Q2_K
    case .q3_K: PRIMER_WEIGHT_Q3_K
    case .q4_K: PRIMER_WEIGHT_Q4_K
    case .q5_K: PRIMER_WEIGHT_Q5_K
    case .q6_K: PRIMER_WEIGHT_Q6_K
    case .mxfp4: PRIMER_WEIGHT_MXFP4
    }
  }
}
