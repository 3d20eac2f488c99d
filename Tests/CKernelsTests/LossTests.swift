import CKernels
import Foundation
import Testing

@Suite("Cross-entropy")
struct LossTests {
  @Test("losses and gradients agree with their definition", arguments: availableLevels)
  func agrees(level: primer_isa) {
    for (rows, vocabulary) in [(1, 1), (5, 3), (70, 65), (3, 3001)] {
      for cap in [0, 5] as [Float] {
        for gradient in [false, true] {
          var expected: [Double] = []
          let found = outcome(at: level) { pool, memory in
            let stride = vocabulary + 3
            let logits = memory.values(rows * stride, in: -12...12)
            let targets = memory.integers(rows, in: 0..<vocabulary)
            if rows > 1 { targets[1] = -100 }
            let losses = memory.values(rows)
            var changed = array(logits, rows * stride).map { Double($0) }
            expected = []
            for r in 0..<rows {
              let z = changed[r * stride..<r * stride + vocabulary]
              let capped = z.map { cap > 0 ? Double(cap) * tanh($0 / Double(cap)) : $0 }
              let total = capped.reduce(0) { $0 + exp($1) }
              let target = Int(targets[r])
              expected.append(target < 0 ? 0 : log(total) - capped[target])
              guard gradient else { continue }
              for i in 0..<vocabulary {
                let slope = cap > 0 ? 1 - pow(capped[i] / Double(cap), 2) : 1
                let difference = exp(capped[i]) / total - (i == target ? 1 : 0)
                changed[r * stride + i] = target < 0 ? 0 : 0.25 * slope * difference
              }
            }
            expected += changed
            primer_cross_entropy(
              pool, Int64(rows), Int64(vocabulary), Int64(stride), logits, targets, cap, gradient,
              0.25,
              losses)
            return array(losses, rows) + array(logits, rows * stride)
          }
          // Sums of up to 3,001 exponentials, a few units in the last place.
          #expect(difference(found, expected) < 1e-6, "\(rows) x \(vocabulary), cap \(cap)")
        }
      }
    }
  }

  @Test("logits of any size stay finite", arguments: availableLevels)
  func extremes(level: primer_isa) {
    let found = outcome(at: level) { pool, memory in
      let logits = memory.values([1e4, -1e4, 0, 3e4, 3e4, -3e38])
      let losses = memory.values(1)
      let targets = memory.integers(1, in: 3..<4)
      primer_cross_entropy(pool, 1, 6, 6, logits, targets, 0, true, 1, losses)
      return array(losses, 1) + array(logits, 6)
    }
    #expect(found == [Float(log(2.0)), 0, 0, 0, -0.5, 0.5, 0])
  }
}
