import PrimerLayers
import PrimerTensors
import PrimerTraining
import TestSupport
import Testing

@Suite("Muon")
struct MuonTests {
  private struct Steps: Decodable {
    let start: GoldenArray
    let gradients, muon: [GoldenArray]
  }

  @Test("moves matrices as PyTorch's does, up to the latter's bf16, and vectors by AdamW")
  func steps() throws {
    let golden: Steps = try Goldens.decoded("optimisers.json")
    let scope = ParameterScope { name in
      name == "matrix.weight"
        ? Tensor(golden.start.floats, shape: [7, 5]) : Tensor(repeating: 1, shape: [7])
    }
    let layer = Linear(5, 7, bias: true, scope["matrix"])
    let muon = Muon(
      try scope.finish(), rate: 0.02, momentum: 0.95,
      rest: AdamWSettings(rate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.3))
    for (gradient, expected) in zip(golden.gradients, golden.muon) {
      let tape = GradientTape()
      let loss = tape.record {
        (layer.weight.tensor * Tensor(gradient.floats, shape: [7, 5])).sum()
          + layer.bias!.tensor.sum()
      }
      tape.backward(from: loss)
      muon.step(rateShare: 1, gradientScale: 1)
      layer.weight.clearGradient()
      layer.bias!.clearGradient()
      // An update's elements are below 0.02 · √1.4; bf16 keeps two to three digits of them.
      for (ours, theirs) in zip(layer.weight.value.scalars, expected.floats) {
        #expect(abs(ours - theirs) < 1e-3)
      }
    }
    // Constant gradients move AdamW by its rate, undecayed.
    for value in layer.bias!.value.scalars { #expect(abs(value - 0.97) < 1e-5) }
  }
}
