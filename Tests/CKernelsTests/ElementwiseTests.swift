import CKernels
import Foundation
import Testing

@Suite("Element-wise kernels")
struct ElementwiseTests {
  @Test(
    "binary operations agree with their definition for every broadcast", arguments: availableLevels)
  func binary(level: primer_isa) {
    let definitions: [(Double, Double) -> Double] = [
      { $0 + $1 }, { $0 - $1 }, { $0 * $1 }, { $0 / $1 }, { max($0, $1) }, { min($0, $1) },
    ]
    for (operation, definition) in definitions.enumerated() {
      let large = operation == 0 ? [(17, 1001)] : []
      for (rows, width) in [(1, 1), (3, 5), (7, 33)] + large {
        for (period, repeats) in [(rows * width, 1), (width, 1), (rows, width), (1, 1)] {
          for inPlace in [false, true] {
            var expected: [Double] = []
            let found = outcome(at: level) { pool, memory in
              let count = rows * width
              let a = memory.values(count, in: 1...3)
              let b = memory.values(period, in: 1...3)
              let out = inPlace ? a : memory.values(count)
              expected = (0..<count).map {
                definition(Double(a[$0]), Double(b[$0 / repeats % period]))
              }
              primer_binary(
                pool, primer_binary(UInt32(operation)), Int64(count), a, b, Int64(repeats),
                Int64(period), out)
              return array(out, count)
            }
            // One rounding.
            #expect(difference(found, expected) < 1.2e-7, "\(operation), \(rows) x \(width)")
          }
        }
      }
    }
  }

  @Test("unary operations agree with their definition", arguments: availableLevels)
  func unary(level: primer_isa) {
    let definitions: [(Double) -> Double] = [
      { -$0 }, { exp($0) }, { log($0) }, { sqrt($0) }, { 1 / sqrt($0) }, { $0 * $0 }, { abs($0) },
      { 1 / $0 }, { sin($0) }, { cos($0) },
    ]
    for (operation, definition) in definitions.enumerated() {
      for count in operation == 1 ? awkwardCounts : [1, 15, 33] {
        var expected: [Double] = []
        let found = outcome(at: level) { pool, memory in
          let x = memory.values(count, in: 0.1...9)
          expected = (0..<count).map { definition(Double(x[$0])) }
          primer_unary(pool, primer_unary(UInt32(operation)), Int64(count), x, x)
          return array(x, count)
        }
        // Two units in the last place.
        #expect(difference(found, expected) < 2.5e-7, "operation \(operation), \(count)")
      }
    }
  }

  @Test("scales, adds and fills", arguments: availableLevels)
  func linear(level: primer_isa) {
    for count in awkwardCounts {
      var expected: [Double] = []
      let found = outcome(at: level) { pool, memory in
        let x = memory.values(count)
        let y = memory.values(count)
        let z = memory.values(count)
        expected = (0..<count).map { 2.5 * Double(x[$0]) - 1 }
        expected += (0..<count).map { Double(y[$0]) - 0.75 * Double(x[$0]) }
        expected += [Double](repeating: 3, count: count)
        primer_add_scaled(pool, Int64(count), -0.75, x, y)
        primer_fill(pool, Int64(count), 3, z)
        primer_scale_shift(pool, Int64(count), 2.5, -1, x, x)
        return array(x, count) + array(y, count) + array(z, count)
      }
      // Two roundings.
      #expect(difference(found, expected) < 3e-7, "\(count)")
    }
  }
}

/// Activations and their slopes in double, in the order of `primer_activation`.
private typealias Activation = (
  value: @Sendable (Double) -> Double, slope: @Sendable (Double) -> Double
)
private let activations: [Activation] = {
  @Sendable func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
  let root = sqrt(2 / Double.pi)
  @Sendable func inner(_ x: Double) -> Double { tanh(root * (x + 0.044715 * x * x * x)) }
  return [
    ({ $0 }, { _ in 1 }),
    (
      { 0.5 * $0 * erfc(-$0 / 2.0.squareRoot()) },
      { 0.5 * erfc(-$0 / 2.0.squareRoot()) + $0 * exp(-$0 * $0 / 2) / sqrt(2 * Double.pi) }
    ),
    (
      { 0.5 * $0 * (1 + inner($0)) },
      {
        let t = inner($0)
        return 0.5 * (1 + t) + 0.5 * $0 * (1 - t * t) * root * (1 + 3 * 0.044715 * $0 * $0)
      }
    ),
    ({ $0 * sigmoid($0) }, { sigmoid($0) * (1 + $0 * (1 - sigmoid($0))) }),
    ({ max($0, 0) }, { $0 > 0 ? 1 : 0 }),
    ({ $0 > 0 ? $0 * $0 : 0 }, { $0 > 0 ? 2 * $0 : 0 }),
    ({ sigmoid($0) }, { sigmoid($0) * (1 - sigmoid($0)) }),
    ({ tanh($0) }, { 1 - tanh($0) * tanh($0) }),
    (
      { $0 * sigmoid(1.702 * $0) },
      { sigmoid(1.702 * $0) * (1 + 1.702 * $0 * (1 - sigmoid(1.702 * $0))) }
    ),
  ]
}()

@Suite("Activations")
struct ActivationTests {
  @Test("values and gradients agree with their definition", arguments: availableLevels)
  func plain(level: primer_isa) {
    for (index, activation) in activations.enumerated() {
      for count in index == 1 ? [1, 15, 17, 9_001] : [1, 15, 333] {
        var expected: [Double] = []
        let found = outcome(at: level) { pool, memory in
          let kind = primer_activation(UInt32(index))
          let x = memory.values(count, in: -9...9)
          let dy = memory.values(count)
          let y = memory.values(count)
          expected = (0..<count).map { activation.value(Double(x[$0])) }
          expected += (0..<count).map { Double(dy[$0]) * activation.slope(Double(x[$0])) }
          primer_activation_forward(pool, kind, Int64(count), x, y)
          primer_activation_backward(pool, kind, Int64(count), x, dy, dy)
          return array(y, count) + array(dy, count)
        }
        // x up to 9 multiplies the rounding of 1 - σ(x).
        #expect(difference(found, expected) < 1.5e-6, "activation \(index), \(count)")
      }
    }
  }

  @Test("gated forms work on strided halves of one array", arguments: availableLevels)
  func gated(level: primer_isa) {
    for (index, activation) in activations.enumerated() {
      for (rows, width) in index == 3 ? [(1, 1), (3, 17), (30, 200)] : [(1, 1), (3, 17)] {
        var expected: [Double] = []
        let found = outcome(at: level) { pool, memory in
          let kind = primer_activation(UInt32(index))
          let stride = 2 * width + 3
          let both = memory.values(rows * stride, in: -4...4)
          let gradient = memory.values(rows * stride)
          let dy = memory.values(rows * width)
          let y = memory.values(rows * width)
          expected = []
          for i in 0..<rows * width {
            let at = i / width * stride + i % width
            let (gate, up) = (Double(both[at]), Double(both[at + width]))
            expected.append(activation.value(gate) * up)
            expected.append(Double(dy[i]) * up * activation.slope(gate))
            expected.append(Double(dy[i]) * activation.value(gate))
          }
          primer_gated_forward(
            pool, kind, Int64(rows), Int64(width), both, Int64(stride), both + width, Int64(stride),
            y)
          primer_gated_backward(
            pool, kind, Int64(rows), Int64(width), both, Int64(stride), both + width, Int64(stride),
            dy,
            gradient, gradient + width)
          return (0..<rows * width).flatMap { i in
            let at = i / width * stride + i % width
            return [y[i], gradient[at], gradient[at + width]]
          }
        }
        // A few units in the last place of factors up to 4.
        #expect(difference(found, expected) < 2e-6, "activation \(index), \(rows) x \(width)")
      }
    }
  }
}
