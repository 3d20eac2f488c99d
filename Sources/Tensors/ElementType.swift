/// What one element of a tensor is.
public enum ElementType: UInt8, Sendable, CaseIterable {
  case float32, float16, bfloat16, int32, int8, bool

  /// Bytes of one element.
  public var byteCount: Int {
    switch self {
    case .float32, .int32: 4
    case .float16, .bfloat16: 2
    case .int8, .bool: 1
    }
  }
}
