import CKernels
import TestSupport

/// Every stored type, in the order of its numbers.
let weightTypes = (0..<PRIMER_WEIGHT_TYPES.rawValue).map { primer_weight_type(rawValue: $0) }

/// Where a block has its f16 scale and (or -1) minimum: in these types any other bytes will do.
private func scaleOffsets(_ type: primer_weight_type) -> (scale: Int, minimum: Int) {
  switch type {
  case PRIMER_WEIGHT_Q4_1, PRIMER_WEIGHT_Q5_1, PRIMER_WEIGHT_Q4_K, PRIMER_WEIGHT_Q5_K: (0, 2)
  case PRIMER_WEIGHT_Q2_K: (80, 82)
  case PRIMER_WEIGHT_Q3_K: (108, -1)
  case PRIMER_WEIGHT_Q6_K: (208, -1)
  default: (0, -1)
  }
}

/// Rows of random blocks whose values are around 1.
func randomWeights(
  _ type: primer_weight_type, rows: Int, columns: Int, using random: inout SplitMix
) -> [UInt8] {
  let size = Int(primer_weight_block_bytes(type))
  let count = rows * columns / Int(primer_weight_block_elements(type))
  var bytes = (0..<count * size).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  func put<Value>(_ value: Value, at offset: Int) {
    withUnsafeBytes(of: value) { bytes.replaceSubrange(offset..<offset + $0.count, with: $0) }
  }
  let (scale, minimum) = scaleOffsets(type)
  let isSmall = [PRIMER_WEIGHT_Q4_K, PRIMER_WEIGHT_Q5_K, PRIMER_WEIGHT_Q6_K, PRIMER_WEIGHT_Q3_K]
    .contains(type)
  for block in 0..<count {
    let value = Float.random(in: -1..<1, using: &random)
    let start = block * size
    switch type {
    case PRIMER_WEIGHT_F32: put(value, at: start)
    case PRIMER_WEIGHT_F16: put(Float16(value).bitPattern, at: start)
    case PRIMER_WEIGHT_BF16: put(UInt16(value.bitPattern >> 16), at: start)
    case PRIMER_WEIGHT_MXFP4: bytes[start] = 118 + bytes[start] % 10
    default:
      put(Float16(value * (isSmall ? 0.002 : 0.05)).bitPattern, at: start + scale)
      let least = Float16(Float.random(in: -0.02..<0.02, using: &random))
      if minimum >= 0 { put(least.bitPattern, at: start + minimum) }
    }
  }
  return bytes
}

/// A product with its own memory: padded rows, x at odd addresses, guarded ends.
final class WeightProblem {
  var product = primer_weight_product()
  private let memory: GuardedMemory
  private var weights: [UnsafeMutableRawPointer] = []

  /// `matrices`: type and rows of each, of which the first `distinctRows` come again and again.
  init(
    tokens: Int, columns: Int, matrices: [(type: primer_weight_type, rows: Int)],
    gated: Bool = false, activation: Int = 0, terms: UInt64 = 0, distinctRows: Int = .max,
    seed: UInt64
  ) {
    var random = SplitMix(state: seed)
    memory = GuardedMemory(seed: seed)
    product.tokens = Int64(tokens)
    product.columns = Int64(columns)
    product.x_stride = Int64(columns + memory.whole(0..<4))
    product.x = UnsafePointer(memory.values(tokens * Int(product.x_stride)))
    product.count = Int32(matrices.count)
    product.gated = gated
    product.activation = primer_activation(rawValue: UInt32(activation))
    for (i, (type, rows)) in matrices.enumerated() {
      let distinct = min(rows, distinctRows)
      let bytes = randomWeights(type, rows: distinct, columns: columns, using: &random)
      let rowBytes = bytes.count / distinct
      let data = UnsafeMutableRawPointer.allocate(byteCount: rowBytes * rows, alignment: 32)
      for first in stride(from: 0, to: rows, by: distinct) {
        (data + first * rowBytes).copyMemory(
          from: bytes, byteCount: min(distinct, rows - first) * rowBytes)
      }
      weights.append(data)
      var matrix = primer_weight_matrix()
      matrix.type = type
      matrix.data = UnsafeRawPointer(data)
      matrix.rows = Int64(rows)
      matrix.out_stride = Int64(rows + memory.whole(0..<4))
      let size = tokens * Int(matrix.out_stride)
      matrix.out = memory.values(size)
      if terms >> (2 * i) & 1 != 0 { matrix.bias = UnsafePointer(memory.values(rows)) }
      if terms >> (2 * i) & 2 != 0 { matrix.residual = UnsafePointer(memory.values(size)) }
      self[i] = matrix
    }
  }

  deinit { for data in weights { data.deallocate() } }

  subscript(_ i: Int) -> primer_weight_matrix {
    get {
      i == 0 ? product.matrices.0 : i == 1 ? product.matrices.1 : product.matrices.2
    }
    set {
      switch i {
      case 0: product.matrices.0 = newValue
      case 1: product.matrices.1 = newValue
      default: product.matrices.2 = newValue
      }
    }
  }

  var guardsHold: Bool { memory.guardsHold }

  /// What `compute` gives for tokens `range`, row after row of every matrix.
  func outcome(
    tokens range: Range<Int>? = nil, _ compute: (inout primer_weight_product) -> Void
  ) -> [Float] {
    let range = range ?? 0..<Int(product.tokens)
    let whole = product
    defer { product = whole }
    product.tokens = Int64(range.count)
    product.x += range.lowerBound * Int(whole.x_stride)
    for i in 0..<Int(product.count) {
      let offset = range.lowerBound * Int(self[i].out_stride)
      self[i].out += offset
      if let residual = self[i].residual { self[i].residual = residual + offset }
    }
    compute(&product)
    return (0..<(product.gated ? 1 : Int(product.count))).flatMap { i in
      range.indices.flatMap { t in
        array(
          self[i].out + (t - range.lowerBound) * Int(self[i].out_stride), Int(self[i].rows))
      }
    }
  }
}
