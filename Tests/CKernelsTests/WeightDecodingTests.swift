import CKernels
import TestSupport
import Testing

/// What gguf-py 0.19 (gguf.quants.dequantize) makes of one block whose byte i is ((7i² + 151i + 11) >> 3) & 255, with scale 0.5 and
/// minimum -1.25 (blocks of 32) or 0.25 (blocks of 256): its first and last values, and the sum of each times (29i mod 31) - 15.
private struct Golden: Sendable {
  let type: primer_weight_type
  var scaleAt = 0
  var minimum: (at: Int, value: Float16)?
  let first: [Float]
  let last: [Float]
  let sum: Double
}

private let goldens: [Golden] = [
  Golden(type: PRIMER_WEIGHT_Q4_0, first: [1, -3.5, 1], last: [3, -4, -2.5], sum: -186),
  Golden(
    type: PRIMER_WEIGHT_Q4_1, minimum: (2, -1.25), first: [3.75, 1.25, -0.25],
    last: [0.25, 2.25, 3.75], sum: -122.75),
  Golden(type: PRIMER_WEIGHT_Q5_0, first: [-7, 0, -8], last: [5, 6.5, -8], sum: 115),
  Golden(
    type: PRIMER_WEIGHT_Q5_1, minimum: (2, -1.25), first: [-1.25, 7.75, 1.25],
    last: [6.75, 0.75, 10.75], sum: -54.25),
  Golden(type: PRIMER_WEIGHT_Q8_0, first: [21, 32.5, 45], last: [-54.5, -17.5, 20.5], sum: 535),
  Golden(
    type: PRIMER_WEIGHT_Q2_K, scaleAt: 80, minimum: (82, 0.25), first: [1.5, 1.5, 0],
    last: [-2, -2.5, -3.5], sum: -752.25),
  Golden(
    type: PRIMER_WEIGHT_Q3_K, scaleAt: 108, first: [-13.5, -13.5, 27], last: [28.5, 38, -28.5],
    sum: 1022),
  Golden(
    type: PRIMER_WEIGHT_Q4_K, minimum: (2, 0.25), first: [191, 191, -4], last: [79, 95.5, 112],
    sum: 13494),
  Golden(
    type: PRIMER_WEIGHT_Q5_K, minimum: (2, 0.25), first: [347, 243, 152], last: [-3.5, 343, 145],
    sum: -23942.5),
  Golden(
    type: PRIMER_WEIGHT_Q6_K, scaleAt: 208, first: [-307.5, -225.5, 205],
    last: [781, 284, -816.5], sum: -88221.5),
  Golden(
    type: PRIMER_WEIGHT_MXFP4, scaleAt: -1, first: [1.5, -0.5, 0.25], last: [-0.75, -2, 0],
    sum: 78.5),
]

@Suite("Stored weights as f32")
struct WeightDecodingTests {
  @Test("every block format has its published values", arguments: availableLevels)
  func published(level: primer_isa) {
    for golden in goldens {
      var block = (0..<Int(primer_weight_block_bytes(golden.type))).map {
        UInt8(truncatingIfNeeded: ($0 * $0 * 7 + $0 * 151 + 11) >> 3)
      }
      func put(_ value: Float16, at offset: Int) {
        block[offset] = UInt8(truncatingIfNeeded: value.bitPattern)
        block[offset + 1] = UInt8(value.bitPattern >> 8)
      }
      if golden.scaleAt >= 0 { put(0.5, at: golden.scaleAt) } else { block[0] = 126 }
      if let minimum = golden.minimum { put(minimum.value, at: minimum.at) }
      let count = Int(primer_weight_block_elements(golden.type))
      var values = [Float](repeating: 0, count: count)
      atLevel(level) {
        primer_weight_decode(nil, golden.type, block, 1, Int64(count), &values)
      }
      #expect(Array(values.prefix(3)) == golden.first, "\(golden.type)")
      #expect(Array(values.suffix(3)) == golden.last, "\(golden.type)")
      let sum = values.indices.reduce(0.0) {
        $0 + Double(values[$1]) * Double(($1 * 29) % 31 - 15)
      }
      #expect(sum == golden.sum, "\(golden.type)")
    }
  }

  @Test("rows are what the product's definition sees", arguments: availableLevels)
  func decoding(level: primer_isa) {
    var random = SplitMix(state: 3)
    for type in weightTypes {
      let (rows, columns) = (5, 512)
      let bytes = randomWeights(type, rows: rows, columns: columns, using: &random)
      let found = outcome(at: level) { pool, memory in
        let out = memory.values(rows * columns)
        primer_weight_decode(pool, type, bytes, Int64(rows), Int64(columns), out)
        return array(out, rows * columns)
      }
      // Unit vectors pick columns; 1 = 127 times 1/127, rounded.
      var unit = [Float](repeating: 0, count: columns * columns)
      for i in 0..<columns { unit[i * columns + i] = 1 }
      var transposed = [Float](repeating: 0, count: rows * columns)
      bytes.withUnsafeBytes { data in
        unit.withUnsafeBufferPointer { x in
          transposed.withUnsafeMutableBufferPointer { out in
            var product = primer_weight_product()
            (product.tokens, product.columns) = (Int64(columns), Int64(columns))
            (product.x, product.x_stride, product.count) = (x.baseAddress, Int64(columns), 1)
            product.matrices.0.type = type
            product.matrices.0.data = data.baseAddress
            product.matrices.0.rows = Int64(rows)
            product.matrices.0.out = out.baseAddress
            product.matrices.0.out_stride = Int64(rows)
            primer_weight_product_reference(&product)
          }
        }
      }
      let expected = (0..<rows * columns).map {
        Double(transposed[$0 % columns * rows + $0 / columns])
      }
      #expect(difference(found, expected) < 1e-6, "\(type)")
    }
  }

  @Test("rows of a table are gathered and scaled in every format", arguments: availableLevels)
  func gathering(level: primer_isa) {
    var random = SplitMix(state: 4)
    for type in weightTypes {
      let (rows, columns) = (300, 256)
      let bytes = randomWeights(type, rows: rows, columns: columns, using: &random)
      var ids: [Int32] = []
      var all: [Float] = []
      let found = outcome(at: level) { pool, memory in
        let pointer = memory.integers(90, in: 0..<rows)
        let (out, table) = (memory.values(90 * columns), memory.values(rows * columns))
        primer_weight_decode(pool, type, bytes, Int64(rows), Int64(columns), table)
        primer_weight_rows(pool, type, bytes, Int64(columns), 90, pointer, 0.5, out)
        (ids, all) = (array(pointer, 90), array(table, rows * columns))
        return array(out, 90 * columns)
      }
      let expected = ids.flatMap { id in
        all[Int(id) * columns..<(Int(id) + 1) * columns].map { $0 * 0.5 }
      }
      #expect(found == expected, "\(type)")
    }
  }
}
