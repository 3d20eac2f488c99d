package import PrimerLayers
package import PrimerTensors

/// Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon): momentum whose update is
/// made orthogonal, for the matrices inside blocks; AdamW for everything else.
package final class Muon: Optimiser {
  private let matrices: [Parameter]
  private let moments: [Tensor]
  private let rest: AdamW
  private let rate, weightDecay: Double
  private let momentum: Float

  package init(
    _ parameters: [Parameter], rate: Double, momentum: Double, rest settings: AdamWSettings
  ) {
    matrices = parameters.filter { $0.role == .matrix }
    moments = matrices.map { Tensor(repeating: 0, shape: $0.shape) }
    rest = AdamW(parameters.filter { $0.role != .matrix }, settings)
    self.rate = rate
    self.momentum = Float(momentum)
    weightDecay = settings.weightDecay
  }

  package var updates: Int {
    get { rest.updates }
    set { rest.updates = newValue }
  }

  package var state: [(name: String, tensor: Tensor)] {
    zip(matrices, moments).map { ("momentum." + $0.name, $1) } + rest.state
  }

  package func step(rateShare: Double, gradientScale: Float) {
    rest.step(rateShare: rateShare, gradientScale: gradientScale)
    let rate = rate * rateShare
    for (parameter, moments) in zip(matrices, moments) {
      guard let gradient = parameter.gradient else { continue }
      let direction = orthogonalised(
        muonMomentum(
          gradient, moments: moments, momentum: momentum, gradientScale: gradientScale))
      let (outputs, inputs) = (Double(parameter.shape[0]), Double(parameter.shape[1]))
      // The step's size in the spectral norm that suits a map from `inputs` to `outputs`.
      let stepSize = rate * max(1, outputs / inputs).squareRoot()
      decayedStep(
        parameter.value, decayFactor: Float(1 - rate * weightDecay), step: Float(stepSize),
        direction)
    }
  }
}
