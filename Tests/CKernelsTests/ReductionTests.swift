import CKernels
import Testing

@Suite("Reductions")
struct ReductionTests {
  private static let shapes = [
    (1, 1, 1), (1, 1001, 1), (1, 70_001, 1), (5, 33, 1), (3, 17, 5), (1, 700, 129), (2, 1, 40),
    (300, 7, 3),
  ]

  @Test("reduce the middle axis as defined", arguments: availableLevels)
  func reduces(level: primer_isa) {
    let steps: [(Double, Double) -> Double] = [
      { $0 + $1 }, { max($0, $1) }, { min($0, $1) }, { $0 + $1 * $1 },
    ]
    for (operation, step) in steps.enumerated() {
      for (outer, length, inner) in Self.shapes {
        for accumulate in operation == 0 || operation == 3 ? [false, true] : [false] {
          var expected: [Double] = []
          let found = outcome(at: level) { pool, memory in
            let x = memory.values(outer * length * inner)
            let out = memory.values(outer * inner)
            expected = (0..<outer * inner).map { i in
              let column = (0..<length).map {
                Double(x[(i / inner * length + $0) * inner + i % inner])
              }
              let start = [0, -Double.infinity, Double.infinity, 0][operation]
              return column.reduce(start, step) + (accumulate ? Double(out[i]) : 0)
            }
            primer_reduce(
              pool, primer_reduction(UInt32(operation)), Int64(outer), Int64(length), Int64(inner),
              x,
              accumulate, out)
            return array(out, outer * inner)
          }
          // Hundreds of roundings at magnitudes around 20.
          #expect(difference(found, expected) < 6e-5, "\(operation): \(outer), \(length), \(inner)")
        }
      }
    }
  }

  @Test("argmax gives the first of equal maxima", arguments: availableLevels)
  func argmax(level: primer_isa) {
    for width in [1, 5, 16, 65, 2001] {
      var expected: [Double] = []
      let found = outcome(at: level) { pool, memory in
        let x = memory.values(20 * width)
        for i in 0..<20 * width { x[i] = (x[i] * 50).rounded() }
        let out = memory.integers(20, in: 0..<1)
        expected = (0..<20).map { r in
          let row = array(x + r * width, width)
          return Double(row.firstIndex(of: row.max()!)!)
        }
        primer_argmax(pool, 20, Int64(width), x, out)
        return array(out, 20).map { Float($0) }
      }
      #expect(found.map { Double($0) } == expected, "width \(width)")
    }
  }

  @Test("the sum of squares is exact to double's rounding", arguments: availableLevels)
  func squares(level: primer_isa) {
    for count in [0] + awkwardCounts {
      var expected = 0.0
      let found = outcome(at: level) { pool, memory in
        let x = memory.values(count)
        expected = (0..<count).reduce(0) { $0 + Double(x[$1]) * Double(x[$1]) }
        let sum = primer_sum_of_squares(pool, Int64(count), x)
        // Order of additions in double.
        #expect(abs(sum - expected) <= 1e-13 * max(1, expected))
        return [Float(sum)]
      }
      #expect(found.count == 1)
    }
  }
}
