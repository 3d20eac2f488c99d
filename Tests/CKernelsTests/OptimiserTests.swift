import CKernels
import Foundation
import Testing

@Suite("Optimiser updates")
struct OptimiserTests {
  @Test("AdamW follows its formula over steps", arguments: availableLevels)
  func adamW(level: primer_isa) {
    for count in [1, 17, 20_001] {
      var expected: [Double] = []
      let found = outcome(at: level) { pool, memory in
        let (p, g) = (memory.values(count), memory.values(count))
        let (m, v) = (memory.values(count), memory.values(count, in: 0...0.1))
        var reference = [array(p, count), array(m, count), array(v, count)].map {
          $0.map { Double($0) }
        }
        for step in 1...3 {
          var arguments = primer_adamw_arguments()
          arguments.rate = 0.01
          arguments.beta1 = 0.9
          arguments.beta2 = 0.999
          arguments.epsilon = 1e-8
          arguments.weight_decay = 0.1
          arguments.gradient_scale = 0.5
          arguments.bias_correction1 = 1 - pow(0.9, Double(step))
          arguments.bias_correction2 = 1 - pow(0.999, Double(step))
          primer_adamw(pool, &arguments, Int64(count), p, g, m, v)
          for i in 0..<count {
            let gradient = 0.5 * Double(g[i])
            reference[0][i] *= 1 - 0.01 * 0.1
            reference[1][i] += 0.1 * (gradient - reference[1][i])
            reference[2][i] = 0.999 * reference[2][i] + 0.001 * gradient * gradient
            reference[0][i] -=
              0.01 / arguments.bias_correction1 * reference[1][i]
              / (sqrt(reference[2][i] / arguments.bias_correction2) + 1e-8)
          }
        }
        expected = Array(reference.joined())
        return array(p, count) + array(m, count) + array(v, count)
      }
      // A few roundings a step; 1 - 0.999 in float would miss this bound.
      #expect(difference(found, expected) < 1e-6, "\(count)")
    }
  }

  @Test("Muon's momentum and the decayed step follow their formulas", arguments: availableLevels)
  func muon(level: primer_isa) {
    for count in [1, 17, 20_001] {
      for nesterov in [false, true] {
        var expected: [Double] = []
        let found = outcome(at: level) { pool, memory in
          let (p, g) = (memory.values(count), memory.values(count))
          let (m, out) = (memory.values(count), memory.values(count))
          let momenta = (0..<count).map { 0.95 * Double(m[$0]) + 0.5 * Double(g[$0]) }
          let directions = (0..<count).map {
            nesterov ? 0.5 * Double(g[$0]) + 0.95 * momenta[$0] : momenta[$0]
          }
          expected =
            momenta + directions + (0..<count).map { 0.9 * Double(p[$0]) - 0.1 * directions[$0] }
          primer_muon_momentum(pool, Int64(count), 0.95, nesterov, 0.5, g, m, out)
          primer_decayed_step(pool, Int64(count), 0.9, 0.1, out, p)
          return array(m, count) + array(out, count) + array(p, count)
        }
        // A few roundings.
        #expect(difference(found, expected) < 3e-7, "\(count)")
      }
    }
  }
}
