public import PrimerTensors

/// Why numbers cannot be encoded.
public enum EncodingProblem: Error, Equatable, CustomStringConvertible {
  case notFinite
  case tooLarge(Float, ElementType)

  public var description: String {
    switch self {
    case .notFinite: "it holds an element that is infinite or not a number"
    case .tooLarge(let value, let type): "its element \(value) is too large for \(type)"
    }
  }
}

extension Tensor {
  /// These numbers as another element type. Types with blocks of 32 are rounded as ggml's reference
  /// rounds them, byte for byte; for those with blocks of 256 the scales are searched for the least
  /// squared error.
  ///
  /// - Throws: `EncodingProblem` where a number does not fit.
  public func encoded(as type: ElementType) throws -> Tensor {
    if type == elementType { return self }
    let result = Tensor(uninitialised: shape, type)
    var end = 0
    try forEachEncodedPart(as: type) { part in
      part.withBytes { source in
        result.withMutableBytes { target in
          UnsafeMutableRawBufferPointer(rebasing: target[end..<end + source.count])
            .copyMemory(from: source)
        }
        end += source.count
      }
    }
    return result
  }

  /// Elements that are decoded and encoded at a time.
  private static let partElements = 1 << 22

  /// Calls `body` with one stretch of whole rows after another, as `type`.
  func forEachEncodedPart(as type: ElementType, _ body: (Tensor) throws -> Void) throws {
    if type == elementType { return try body(contiguous()) }
    let columns = shape.last ?? 1
    guard count > 0 else { return }
    precondition(columns % type.blockElements == 0, "rows of \(columns) as \(type)")
    let rows = contiguous().reshaped([-1, columns])
    let step = max(1, Self.partElements / columns)
    for start in stride(from: 0, to: rows.shape[0], by: step) {
      let part = rows.sliced(axis: 0, start..<min(start + step, rows.shape[0]))
      try body(try Self.encode(part.converted(to: .float32), as: type))
    }
  }

  private static func encode(_ x: Tensor, as type: ElementType) throws -> Tensor {
    try checkRange(x, type)
    guard let encode = type.rowEncoder else { return x.converted(to: type) }
    let result = Tensor(uninitialised: x.shape, type)
    let (rows, columns) = (x.shape[0], x.shape[1])
    let rowBytes = type.byteCount(of: columns)
    let chunk = max(1, 16_384 / columns)
    x.withBytes { source in
      result.withMutableBytes { target in
        nonisolated(unsafe) let (source, target) = (source, target)
        // Safe because the ranges of rows do not overlap, and both tensors outlive the region.
        ComputePool.current.forEachRange(of: rows, chunk: chunk) { range in
          var bytes: [UInt8] = []
          bytes.reserveCapacity(rowBytes)
          for row in range {
            bytes.removeAll(keepingCapacity: true)
            let floats = source[row * columns * 4..<(row + 1) * columns * 4]
            encode(
              UnsafeRawBufferPointer(rebasing: floats).assumingMemoryBound(to: Float.self).span,
              &bytes)
            UnsafeMutableRawBufferPointer(
              rebasing: target[row * rowBytes..<(row + 1) * rowBytes]
            ).copyBytes(from: bytes)
          }
        }
      }
    }
    return result
  }

  private static func checkRange(_ x: Tensor, _ type: ElementType) throws {
    let limit: Float = type == .bfloat16 || type == .float32 ? .infinity : 65504
    let worst: Float? = x.withBytes { bytes in
      bytes.assumingMemoryBound(to: Float.self).first { !($0.magnitude <= limit) || !$0.isFinite }
    }
    guard let worst else { return }
    throw worst.isFinite ? EncodingProblem.tooLarge(worst, type) : .notFinite
  }
}

/// Appends the blocks of one row to bytes.
typealias RowEncoder = @Sendable (_ row: Span<Float>, _ bytes: inout [UInt8]) -> Void

extension ElementType {
  /// nil where elements are converted one by one.
  fileprivate var rowEncoder: RowEncoder? {
    switch self {
    case .float32, .float16, .bfloat16, .int32, .int8, .bool: nil
    case .q4_0: SmallBlocks.q4_0
    case .q4_1: SmallBlocks.q4_1
    case .q5_0: SmallBlocks.q5_0
    case .q5_1: SmallBlocks.q5_1
    case .q8_0: SmallBlocks.q8_0
    case .mxfp4: SmallBlocks.mxfp4
    case .q2_K: LargeBlocks.q2_K
    case .q3_K: LargeBlocks.q3_K
    case .q4_K: LargeBlocks.q4_K
    case .q5_K: LargeBlocks.q5_K
    case .q6_K: LargeBlocks.q6_K
    }
  }
}
