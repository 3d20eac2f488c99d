import PrimerTensors
import TestSupport
import Testing

@Suite("Optimiser steps equal PyTorch's")
struct OptimiserStepTests {
  private struct Steps: Decodable {
    let start: GoldenArray
    let gradients, adamw: [GoldenArray]
    let orthogonalised: GoldenArray
  }

  private let golden: Steps

  init() throws { golden = try Goldens.decoded("optimisers.json") }

  @Test("AdamW, with decay, of gradients large and small")
  func adamW() {
    let parameter = Tensor(golden: golden.start)
    let (first, second) = (
      Tensor(repeating: 0, shape: [7, 5]), Tensor(repeating: 0, shape: [7, 5])
    )
    for (index, (gradient, expected)) in zip(golden.gradients, golden.adamw).enumerated() {
      // Twice the gradient at half the scale: what clipping does.
      adamWStep(
        parameter, Tensor(golden: gradient) * 2, first: first, second: second, rate: 0.02,
        beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0.3, update: index + 1,
        gradientScale: 0.5)
      for (ours, theirs) in zip(parameter.scalars, expected.floats) {
        #expect(abs(ours - theirs) < 1e-6, "update \(index + 1)")
      }
    }
  }

  @Test("Muon's iteration, of tall and wide matrices")
  func orthogonal() {
    let matrix = Tensor(golden: golden.start)
    let expected = Tensor(golden: golden.orthogonalised)
    for (ours, theirs) in [
      (orthogonalised(matrix), expected), (orthogonalised(matrix.transposed), expected.transposed),
    ] {
      #expect(ours.shape == theirs.shape)
      for (x, y) in zip(ours.scalars, theirs.scalars) { #expect(abs(x - y) < 1e-4) }
    }
  }
}
