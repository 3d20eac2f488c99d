import CKernels
import Foundation
import Testing

/// Means, reciprocal deviations, values and gradients of layer or RMS norm in double.
private struct NormReference {
  var y: [Double] = []
  var dx: [Double] = []
  var weightGradient: [Double]
  var biasGradient: [Double]

  init(
    rows: Int, width: Int, centred: Bool, x: UnsafePointer<Float>, weight: [Double], bias: [Double],
    dy: UnsafePointer<Float>, epsilon: Double
  ) {
    weightGradient = [Double](repeating: 0, count: width)
    biasGradient = weightGradient
    for r in 0..<rows {
      let row = (0..<width).map { Double(x[r * width + $0]) }
      let mean = centred ? row.reduce(0, +) / Double(width) : 0
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(width)
      let rstd = 1 / (variance + epsilon).squareRoot()
      let normal = row.map { ($0 - mean) * rstd }
      let gradient = (0..<width).map { Double(dy[r * width + $0]) }
      let scaled = zip(gradient, weight).map(*)
      let sum = centred ? scaled.reduce(0, +) / Double(width) : 0
      let dot = zip(scaled, normal).reduce(0) { $0 + $1.0 * $1.1 } / Double(width)
      for c in 0..<width {
        y.append(normal[c] * weight[c] + bias[c])
        dx.append((scaled[c] - sum - normal[c] * dot) * rstd)
        weightGradient[c] += gradient[c] * normal[c]
        biasGradient[c] += gradient[c]
      }
    }
  }
}

@Suite("Normalisation and softmax")
struct NormalisationTests {
  private static let shapes = [(1, 1), (3, 5), (70, 17), (130, 33), (5, 384), (33, 1000)]

  @Test("layer norm and its gradients agree with their definition", arguments: availableLevels)
  func layerNorm(level: primer_isa) {
    for (rows, width) in Self.shapes {
      for plain in [false, true] {
        var expected: [Double] = []
        let found = outcome(at: level) { pool, memory in
          let count = rows * width
          let x = memory.values(count, in: 1...3)
          let weight = memory.values(width)
          let bias = memory.values(width)
          let dy = memory.values(count)
          let (y, dx) = (memory.values(count), memory.values(count))
          let (mean, rstd) = (memory.values(rows), memory.values(rows))
          let (dw, db) = (memory.values(width), memory.values(width))
          let reference = NormReference(
            rows: rows, width: width, centred: true, x: x,
            weight: plain
              ? [Double](repeating: 1, count: width) : (0..<width).map { Double(weight[$0]) },
            bias: (0..<width).map { plain ? 0 : Double(bias[$0]) }, dy: dy, epsilon: 1e-2)
          expected = reference.y
          expected += zip(reference.dx, array(dx, count)).map { $0 + (plain ? 0 : Double($1)) }
          expected += zip(reference.weightGradient, array(dw, width)).map { $0 + Double($1) }
          expected += zip(reference.biasGradient, array(db, width)).map { $0 + Double($1) }
          primer_layer_norm_forward(
            pool, Int64(rows), Int64(width), x, plain ? nil : weight, plain ? nil : bias, 1e-2, y,
            mean, rstd)
          primer_layer_norm_backward(
            pool, Int64(rows), Int64(width), x, plain ? nil : weight, mean, rstd, dy, !plain, dx,
            dw, db)
          return array(y, count) + array(dx, count) + array(dw, width) + array(db, width)
        }
        // 1 / √variance up to 10 multiplies roundings of values around 2.
        #expect(difference(found, expected) < 2e-5, "\(rows) x \(width), plain \(plain)")
      }
    }
  }

  @Test("RMS norm and its gradients agree with their definition", arguments: availableLevels)
  func rmsNorm(level: primer_isa) {
    for (rows, width) in Self.shapes {
      for plain in [false, true] {
        var expected: [Double] = []
        let found = outcome(at: level) { pool, memory in
          let count = rows * width
          let x = memory.values(count)
          let weight = memory.values(width)
          let dy = memory.values(count)
          let (y, dx) = (memory.values(count), memory.values(count))
          let (rstd, dw) = (memory.values(rows), memory.values(width))
          let reference = NormReference(
            rows: rows, width: width, centred: false, x: x,
            weight: (0..<width).map { plain ? 1 : Double(weight[$0]) + 1 },
            bias: [Double](repeating: 0, count: width), dy: dy, epsilon: 1e-2)
          expected = reference.y
          expected += zip(reference.dx, array(dx, count)).map { $0 + (plain ? 0 : Double($1)) }
          expected += zip(reference.weightGradient, array(dw, width)).map { $0 + Double($1) }
          primer_rms_norm_forward(
            pool, Int64(rows), Int64(width), x, plain ? nil : weight, 1, 1e-2, y, rstd)
          primer_rms_norm_backward(
            pool, Int64(rows), Int64(width), x, plain ? nil : weight, 1, rstd, dy, !plain, dx, dw)
          return array(y, count) + array(dx, count) + array(dw, width)
        }
        // 1 / √(mean square) up to 10 multiplies roundings.
        #expect(difference(found, expected) < 2e-5, "\(rows) x \(width), plain \(plain)")
      }
    }
  }

  @Test(
    "softmax, its gradient and log-softmax agree with their definition", arguments: availableLevels)
  func softmax(level: primer_isa) {
    for (rows, width) in Self.shapes {
      var expected: [Double] = []
      let found = outcome(at: level) { pool, memory in
        let count = rows * width
        let x = memory.values(count, in: -20...20)
        let dy = memory.values(count)
        let (y, logarithms) = (memory.values(count), memory.values(count))
        var (values, gradients, logs) = ([Double](), [Double](), [Double]())
        for r in 0..<rows {
          let row = (0..<width).map { Double(x[r * width + $0]) }
          let total = row.reduce(0) { $0 + exp($1) }
          let p = row.map { exp($0) / total }
          let dot = (0..<width).reduce(0) { $0 + p[$1] * Double(dy[r * width + $1]) }
          values += p
          gradients += (0..<width).map { p[$0] * (Double(dy[r * width + $0]) - dot) }
          logs += row.map { $0 - log(total) }
        }
        expected = values + gradients + logs
        primer_softmax_forward(pool, Int64(rows), Int64(width), x, y)
        primer_softmax_backward(pool, Int64(rows), Int64(width), y, dy, dy)
        primer_log_softmax_forward(pool, Int64(rows), Int64(width), x, logarithms)
        return array(y, count) + array(dy, count) + array(logarithms, count)
      }
      // A few units in the last place, relative above 1.
      #expect(difference(found, expected) < 6e-7, "\(rows) x \(width)")
    }
  }
}
