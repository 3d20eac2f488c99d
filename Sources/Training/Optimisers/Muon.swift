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
  /// Matrices whose updates are made orthogonal together.
  private let groups: [[Int]]

  package init(
    _ parameters: [Parameter], rate: Double, momentum: Double, rest settings: AdamWSettings
  ) {
    matrices = parameters.filter { $0.role == .matrix }
    moments = matrices.map { Tensor(repeating: 0, shape: $0.shape) }
    rest = AdamW(parameters.filter { $0.role != .matrix }, settings)
    groups = Self.groups(matrices)
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
    for group in groups {
      let updated = group.filter { matrices[$0].gradient != nil }
      guard !updated.isEmpty else { continue }
      let directions = orthogonalised(
        updated.map {
          muonMomentum(
            matrices[$0].gradient!, moments: moments[$0], momentum: momentum,
            gradientScale: gradientScale)
        })
      for (number, direction) in zip(updated, directions) {
        let parameter = matrices[number]
        let (outputs, inputs) = (Double(parameter.shape[0]), Double(parameter.shape[1]))
        // The step's size in the spectral norm that suits a map from `inputs` to `outputs`.
        let stepSize = rate * max(1, outputs / inputs).squareRoot()
        decayedStep(
          parameter.value, decayFactor: Float(1 - rate * weightDecay), step: Float(stepSize),
          direction)
      }
    }
  }

  /// Numbers of matrices of one shape, together at most `mostBytes` unless one alone is larger.
  private static func groups(_ matrices: [Parameter], mostBytes: Int = 16 << 20) -> [[Int]] {
    var groups: [[Int]] = []
    for number in matrices.indices {
      let shape = matrices[number].shape
      let room = max(1, mostBytes / (4 * matrices[number].count))
      let open = groups.lastIndex { matrices[$0[0]].shape == shape && $0.count < room }
      if let open { groups[open].append(number) } else { groups.append([number]) }
    }
    return groups
  }
}
