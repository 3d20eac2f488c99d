import CKernels
import Foundation
import Testing

private func mean(_ values: some Collection<Double>) -> Double {
  values.reduce(0, +) / Double(values.count)
}

private func correlation(_ a: [Double], _ b: [Double]) -> Double {
  let (meanA, meanB) = (mean(a), mean(b))
  let cross = mean(zip(a, b).map { ($0 - meanA) * ($1 - meanB) })
  return cross
    / (mean(a.map { ($0 - meanA) * ($0 - meanA) }) * mean(b.map { ($0 - meanB) * ($0 - meanB) }))
    .squareRoot()
}

@Suite("Random numbers and dropout")
struct RandomTests {
  private func mask(
    _ dropout: primer_dropout, samples: Int = 1, elements: Int = 20_000, pool: OpaquePointer? = nil
  ) -> [Float] {
    let ones = [Float](repeating: 1, count: samples * elements)
    var y = ones
    withUnsafePointer(to: dropout) {
      primer_dropout_apply(pool, $0, Int64(samples), Int64(elements), ones, nil, &y)
    }
    return y
  }

  @Test(
    "every level drops the same elements, scales the rest and adds the residual",
    arguments: availableLevels)
  func levels(level: primer_isa) {
    for (samples, elements) in [(1, 1), (3, 17), (5, 5001)] {
      var expected: [Double] = []
      let found = outcome(at: level) { pool, memory in
        let count = samples * elements
        let (x, residual, y) = (memory.values(count), memory.values(count), memory.values(count))
        var dropout = primer_dropout(seed: 9, step: 8, first_sample: 7, layer: 6, probability: 0.25)
        let plain = atLevel(PRIMER_ISA_PORTABLE) {
          mask(dropout, samples: samples, elements: elements)
        }
        primer_isa_override(Int32(level.rawValue))
        expected = (0..<count).map { Double(x[$0]) * Double(plain[$0]) + Double(residual[$0]) }
        primer_dropout_apply(pool, &dropout, Int64(samples), Int64(elements), x, residual, y)
        return array(y, count)
      }
      // One product and one sum.
      #expect(difference(found, expected) < 2e-7, "\(samples) x \(elements)")
    }
  }

  @Test("a mask does not depend on the micro-batch")
  func microBatches() {
    let whole = mask(
      primer_dropout(seed: 1, step: 2, first_sample: 0, layer: 3, probability: 0.2), samples: 4,
      elements: 999)
    let first = mask(
      primer_dropout(seed: 1, step: 2, first_sample: 0, layer: 3, probability: 0.2), samples: 2,
      elements: 999)
    let second = mask(
      primer_dropout(seed: 1, step: 2, first_sample: 2, layer: 3, probability: 0.2), samples: 2,
      elements: 999)
    #expect(whole == first + second)
  }

  @Test("the dropped share is the probability", arguments: [0, 0.01, 0.1, 0.5, 0.9, 1] as [Float])
  func share(probability: Float) {
    var dropped = 0
    for sample in 0..<10 as Range<UInt64> {
      let y = mask(
        primer_dropout(seed: 3, step: 0, first_sample: sample, layer: 0, probability: probability))
      dropped += y.count { $0 == 0 }
      let scale = probability < 1 ? 1 / (1 - probability) : 0
      #expect(y.allSatisfy { $0 == 0 || $0 == scale })
    }
    // Five standard deviations of a share of 200,000 trials.
    let deviation = (Double(probability) * (1 - Double(probability)) / 200_000).squareRoot()
    #expect(abs(Double(dropped) / 200_000 - Double(probability)) <= 5 * deviation + 1e-9)
  }

  @Test("masks of neighbouring steps, samples, layers, seeds and elements are unrelated")
  func correlations() {
    func values(_ seed: UInt64, _ step: UInt64, _ sample: UInt64, _ layer: UInt32) -> [Double] {
      mask(
        primer_dropout(seed: seed, step: step, first_sample: sample, layer: layer, probability: 0.5)
      )
      .map { Double($0) }
    }
    let base = values(0, 0, 0, 0)
    let others = [values(1, 0, 0, 0), values(0, 1, 0, 0), values(0, 0, 1, 0), values(0, 0, 0, 1)]
    // Five standard deviations of a correlation over 20,000 pairs.
    let bound = 5 / 20_000.0.squareRoot()
    for other in others { #expect(abs(correlation(base, other)) < bound) }
    for shift in [1, 2, 3, 16, 64, 128, 256, 384, 768, 1024] {
      let pair = (Array(base.dropLast(shift)), Array(base.dropFirst(shift)))
      #expect(abs(correlation(pair.0, pair.1)) < bound, "shift \(shift)")
      for other in others {
        let shifted = Array(other.dropFirst(shift))
        #expect(abs(correlation(pair.0, shifted)) < bound, "shift \(shift)")
      }
    }
  }

  @Test(
    "uniform values fill [0, 1) evenly and are the generator's words", arguments: availableLevels)
  func uniform(level: primer_isa) {
    let values = outcome(at: level) { pool, memory in
      let x = memory.values(20_001)
      primer_random_uniform(pool, 5, 6, 20_001, x)
      return array(x, 20_001)
    }
    #expect(values.allSatisfy { $0 >= 0 && $0 < 1 })
    for i in [0, 1, 17, 20_000] {
      let bits = primer_random_bits(5, 6, UInt64(i))
      #expect(values[i] == Float(bits >> 40) / 16_777_216)
    }
    var bins = [Int](repeating: 0, count: 20)
    for value in values { bins[Int(value * 20)] += 1 }
    // Chi-squared of 19 degrees of freedom exceeds 55 once in 50,000.
    let expected = 20_001.0 / 20
    #expect(bins.reduce(0.0) { $0 + pow(Double($1) - expected, 2) / expected } < 55)
  }

  @Test("normal values have the moments of the normal distribution", arguments: availableLevels)
  func normal(level: primer_isa) {
    let count = 40_001
    let values = outcome(at: level) { pool, memory in
      let x = memory.values(count)
      primer_random_normal(pool, 5, 6, Int64(count), x)
      return array(x, count)
    }
    let plain = outcome(at: PRIMER_ISA_PORTABLE) { pool, memory in
      let x = memory.values(count)
      primer_random_normal(pool, 5, 6, Int64(count), x)
      return array(x, count)
    }
    // The levels' logarithms differ in the last bits.
    #expect(difference(values, plain.map { Double($0) }) < 2e-6)
    for i in [0, 2, 300] {
      let bits = primer_random_bits(5, 6, UInt64(i / 2))
      let radius = sqrt(-2 * log((Double(bits >> 32) + 1) / 4_294_967_296))
      let angle = 2 * Double.pi * Double(bits & 0xffff_ffff) / 4_294_967_296
      let pair = [values[i], values[i + 1]]
      #expect(difference(pair, [radius * cos(angle), radius * sin(angle)]) < 2e-6)
    }
    let x = values.map { Double($0) }
    let n = Double(count)
    // Five standard deviations of each moment.
    #expect(abs(mean(x)) < 5 / n.squareRoot())
    #expect(abs(mean(x.map { $0 * $0 }) - 1) < 5 * (2 / n).squareRoot())
    #expect(abs(mean(x.map { $0 * $0 * $0 })) < 5 * (15 / n).squareRoot())
    #expect(abs(mean(x.map { $0 * $0 * $0 * $0 }) - 3) < 5 * (96 / n).squareRoot())
    #expect(abs(correlation(Array(x.dropLast()), Array(x.dropFirst()))) < 5 / n.squareRoot())
  }
}
