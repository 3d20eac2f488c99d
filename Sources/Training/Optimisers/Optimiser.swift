package import PrimerLayers
package import PrimerTensors

/// Turns gradients into new weights. Its state is tensors with names, so that a checkpoint keeps it
/// exactly.
package protocol Optimiser: AnyObject {
  /// One update. `rateShare` is the schedule's share of each group's own highest rate; gradients
  /// are multiplied by `gradientScale` first (clipping).
  func step(rateShare: Double, gradientScale: Float)

  /// Updates so far.
  var updates: Int { get set }

  /// The state's tensors, in a fixed order; written in place when a checkpoint is loaded.
  var state: [(name: String, tensor: Tensor)] { get }
}

/// AdamW's numbers.
package struct AdamWSettings: Sendable {
  package var rate: Double
  package var beta1: Double
  package var beta2: Double
  package var epsilon: Double
  package var weightDecay: Double

  package init(
    rate: Double, beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double
  ) {
    self.rate = rate
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }
}

/// AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101), as PyTorch computes it. Matrices and
/// embeddings are decayed, vectors not.
package final class AdamW: Optimiser {
  package var updates = 0
  private let settings: AdamWSettings
  private let parameters: [Parameter]
  private let first, second: [Tensor]

  package init(_ parameters: [Parameter], _ settings: AdamWSettings) {
    self.parameters = parameters
    self.settings = settings
    first = parameters.map { Tensor(repeating: 0, shape: $0.shape) }
    second = parameters.map { Tensor(repeating: 0, shape: $0.shape) }
  }

  package var state: [(name: String, tensor: Tensor)] {
    zip(parameters, first).map { ("first_moment." + $0.name, $1) }
      + zip(parameters, second).map { ("second_moment." + $0.name, $1) }
  }

  package func step(rateShare: Double, gradientScale: Float) {
    updates += 1
    for (index, parameter) in parameters.enumerated() {
      guard let gradient = parameter.gradient else { continue }
      adamWStep(
        parameter.value, gradient, first: first[index], second: second[index],
        rate: settings.rate * rateShare, beta1: settings.beta1, beta2: settings.beta2,
        epsilon: settings.epsilon,
        weightDecay: parameter.role == .vector ? 0 : settings.weightDecay, update: updates,
        gradientScale: gradientScale)
    }
  }
}
