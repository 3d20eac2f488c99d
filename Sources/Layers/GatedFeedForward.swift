public import PrimerTensors

/// down(activation(gate(x)) · up(x)) (Shazeer 2020, arXiv 2002.05202).
public struct GatedFeedForward: ResidualLayer {
  private let gate, up, down: Linear
  private let activation: Activation
  private let number: Int

  /// - Parameters:
  ///   - hiddenWidth: nil: the shape's.
  ///   - number: the layer, from 0.
  public init(
    _ shape: DecoderShape, _ number: Int, hiddenWidth: Int? = nil, bias: Bool = false,
    _ parameters: ParameterScope
  ) {
    let (width, hidden) = (shape.width, hiddenWidth ?? shape.hiddenWidth)
    gate = Linear(width, hidden, bias: bias, parameters["gate_proj"])
    up = Linear(width, hidden, bias: bias, parameters["up_proj"])
    down = Linear(
      hidden, width, bias: bias, deviation: shape.outputDeviation, parameters["down_proj"])
    activation = shape.activation
    self.number = number
  }

  /// down(activation(gate(norm(x))) · up(norm(x))); x is [batch, time, width].
  public func callAsFunction(_ x: Tensor, norm: RMSNorm? = nil, _ pass: ForwardPass) -> Tensor {
    answer(x, norm, adding: nil)
  }

  public func callAsFunction(
    _ x: Tensor, norm: RMSNorm?, adding residual: Tensor, _ pass: ForwardPass
  ) -> Tensor {
    guard let dropout = pass.dropout, dropout.probability > 0 else {
      return answer(x, norm, adding: residual)
    }
    return PrimerTensors.dropout(
      answer(x, norm, adding: nil), dropout, layer: 3 * number + 3, adding: residual)
  }

  private func answer(_ x: Tensor, _ norm: RMSNorm?, adding residual: Tensor?) -> Tensor {
    gatedFeedForward(
      x, norm: norm?.input, activation, gate: gate.weights, up: up.weights, down: down.weights,
      adding: residual)
  }
}
