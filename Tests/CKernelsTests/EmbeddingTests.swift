import CKernels
import Foundation
import Testing

@Suite("Embedding and rotary positions")
struct EmbeddingTests {
  @Test(
    "gather and scatter-add agree with their definition, repeated ids included",
    arguments: availableLevels)
  func embedding(level: primer_isa) {
    for (count, width, vocabulary) in [(1, 1, 1), (9, 7, 3), (40, 129, 11), (300, 100, 5)] {
      var expected: [Double] = []
      let found = outcome(at: level) { pool, memory in
        let table = memory.values(vocabulary * width)
        let gradient = memory.values(vocabulary * width)
        let ids = memory.integers(count, in: 0..<vocabulary)
        let (out, dy) = (memory.values(count * width), memory.values(count * width))
        expected = (0..<count * width).map {
          1.5 * Double(table[Int(ids[$0 / width]) * width + $0 % width])
        }
        var sums = array(gradient, vocabulary * width).map { Double($0) }
        for i in 0..<count * width {
          sums[Int(ids[i / width]) * width + i % width] += 0.5 * Double(dy[i])
        }
        expected += sums
        primer_embedding_gather(pool, Int64(count), Int64(width), table, ids, 1.5, out)
        primer_embedding_scatter_add(pool, Int64(count), Int64(width), ids, 0.5, dy, gradient)
        return array(out, count * width) + array(gradient, vocabulary * width)
      }
      // Up to 60 additions.
      #expect(difference(found, expected) < 3e-6, "\(count) x \(width)")
    }
  }

  @Test("rotary positions turn pairs and turn them back", arguments: availableLevels)
  func rotary(level: primer_isa) {
    for (rows, heads, headWidth, rotaryWidth) in [
      (1, 1, 2, 2), (5, 3, 64, 64), (40, 4, 50, 34), (200, 3, 40, 0),
    ] {
      for interleaved in [false, true] {
        var expected: [Double] = []
        let found = outcome(at: level) { pool, memory in
          let half = rotaryWidth / 2
          let positions = memory.integers(rows, in: 0..<50)
          let angles = memory.values(50 * max(half, 1), in: 0...6)
          let cosines = memory.values((0..<50 * half).map { cos(angles[$0]) })
          let sines = memory.values((0..<50 * half).map { sin(angles[$0]) })
          let rowStride = heads * headWidth + 5
          let x = memory.values(rows * rowStride)
          let y = memory.values(rows * heads * headWidth)
          var arguments = primer_rotary_arguments()
          arguments.rows = Int64(rows)
          arguments.heads = Int64(heads)
          arguments.head_width = Int64(headWidth)
          arguments.rotary_width = Int64(rotaryWidth)
          arguments.positions = UnsafePointer(positions)
          arguments.cosines = UnsafePointer(cosines)
          arguments.sines = UnsafePointer(sines)
          arguments.interleaved = interleaved
          arguments.x = UnsafePointer(x)
          arguments.x_row_stride = Int64(rowStride)
          arguments.x_head_stride = Int64(headWidth)
          arguments.y = y
          arguments.y_row_stride = Int64(heads * headWidth)
          arguments.y_head_stride = Int64(headWidth)
          let original = (0..<rows * heads * headWidth).map {
            Double(x[$0 / (heads * headWidth) * rowStride + $0 % (heads * headWidth)])
          }
          var turned = original
          for start in stride(from: 0, to: turned.count, by: headWidth) {
            for p in 0..<half {
              let first = start + (interleaved ? 2 * p : p)
              let second = interleaved ? first + 1 : first + half
              let at = Int(positions[start / (heads * headWidth)]) * half + p
              let (c, s) = (Double(cosines[at]), Double(sines[at]))
              turned[first] = original[first] * c - original[second] * s
              turned[second] = original[first] * s + original[second] * c
            }
          }
          expected = turned + original
          primer_rotary(pool, &arguments)
          let there = array(y, turned.count)
          arguments.inverse = true
          arguments.x = UnsafePointer(y)
          arguments.x_row_stride = arguments.y_row_stride
          primer_rotary(pool, &arguments)
          return there + array(y, turned.count)
        }
        // A few roundings; cosine and sine are themselves rounded.
        #expect(difference(found, expected) < 5e-7, "\(rows), \(headWidth), \(rotaryWidth)")
      }
    }
  }
}
