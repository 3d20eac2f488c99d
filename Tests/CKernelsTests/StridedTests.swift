import CKernels
import Foundation
import Testing

/// A strided array to be read or written: its strides and how many elements it spans.
private struct Layout {
  var strides: [Int64]
  var span: Int

  /// Row-major with the axes laid out in `order` (outermost first) and gaps between rows.
  init(shape: [Int64], order: [Int], gap: Int64 = 0) {
    strides = [Int64](repeating: 0, count: shape.count)
    var next: Int64 = 1
    for axis in order.reversed() {
      strides[axis] = next
      next = next * shape[axis] + gap
    }
    span = Int(next)
  }

}

/// Offsets of every element of `shape` under `strides`, in row-major order.
private func offsets(_ shape: [Int64], _ strides: [Int64]) -> [Int] {
  zip(shape, strides).reduce([0]) { partial, axis in
    partial.flatMap { start in (0..<axis.0).map { start + Int($0 * axis.1) } }
  }
}

@Suite("Strided copies and sums")
struct StridedTests {
  private static let cases: [(shape: [Int64], order: [Int])] = [
    ([], []), ([1], [0]), ([16_500], [0]), ([7, 33], [0, 1]), ([33, 70], [1, 0]),
    ([3, 1, 19], [2, 1, 0]),
    ([2, 5, 3, 16], [0, 2, 1, 3]), ([4, 3, 17, 9], [0, 1, 3, 2]), ([2, 40, 50], [0, 2, 1]),
    ([2, 2, 2, 2, 2, 2, 2, 3], [7, 0, 6, 1, 5, 2, 4, 3]),
  ]

  @Test(
    "copy any axis order, elements of 1, 2 and 4 bytes", arguments: availableLevels, [1, 2, 4])
  func copies(level: primer_isa, bytes: Int) {
    for (shape, order) in Self.cases {
      for gap in shape.count == 1 ? [0] : [0, 3] as [Int64] {
        let source = Layout(shape: shape, order: order, gap: gap)
        let destination = Layout(shape: shape, order: Array(shape.indices), gap: gap == 0 ? 0 : 2)
        let pairs = zip(offsets(shape, source.strides), offsets(shape, destination.strides))
        _ = outcome(at: level) { pool, memory in
          // Floats hold the bytes: four, two or one element each.
          let from = UnsafeMutableRawPointer(memory.values(source.span * bytes / 4 + 1))
          let to = UnsafeMutableRawPointer(memory.values(destination.span * bytes / 4 + 1))
          for i in 0..<source.span * bytes {
            from.storeBytes(of: UInt8(i * 7 % 251), toByteOffset: i, as: UInt8.self)
          }
          primer_strided_copy(
            pool, Int32(shape.count), shape, Int32(bytes), from, source.strides, to,
            destination.strides)
          let wrong = pairs.filter { a, b in memcmp(from + a * bytes, to + b * bytes, bytes) != 0 }
          #expect(wrong.isEmpty, "\(shape) from order \(order), gap \(gap)")
          return []
        }
      }
    }
  }

  @Test("copy back into a permuted array, and broadcast", arguments: availableLevels)
  func broadcasts(level: primer_isa) {
    let shape: [Int64] = [3, 20, 50]
    for strides in [[0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0]] as [[Int64]] {
      let destination = Layout(shape: shape, order: [1, 2, 0])
      let found = outcome(at: level) { pool, memory in
        let source = memory.values(array(memory.values(50), 50))
        let out = memory.values(destination.span)
        primer_strided_copy(pool, 3, shape, 4, source, strides, out, destination.strides)
        let pairs = zip(offsets(shape, strides), offsets(shape, destination.strides))
        let wrong = pairs.filter { source[$0] != out[$1] }
        #expect(wrong.isEmpty, "strides \(strides)")
        return array(out, 3000)
      }
      #expect(found.count == 3000)
    }
  }

  @Test("add, also into a place that several elements share", arguments: availableLevels)
  func adds(level: primer_isa) {
    for (shape, order) in Self.cases {
      for shared in shape.isEmpty ? [false] : [false, true] {
        let source = Layout(shape: shape, order: order, gap: 1)
        var destination = Layout(shape: shape, order: Array(shape.indices))
        if shared { destination.strides[shape.count - 1] = 0 }
        var expected: [Double] = []
        let found = outcome(at: level) { pool, memory in
          let from = memory.values(source.span)
          let to = memory.values(destination.span)
          expected = array(to, destination.span).map { Double($0) }
          let pairs = zip(offsets(shape, source.strides), offsets(shape, destination.strides))
          for (a, b) in pairs { expected[b] += Double(from[a]) }
          primer_strided_add(
            pool, Int32(shape.count), shape, from, source.strides, to, destination.strides)
          return array(to, destination.span)
        }
        // Up to 17,000 additions into one place.
        #expect(difference(found, expected) < (shared ? 2e-3 : 2e-7), "\(shape), shared \(shared)")
      }
    }
  }
}
