public import PrimerTensors

/// x·weightᵀ + bias; weight [outputs, inputs], bias [outputs].
public struct Linear: Sendable {
  public let weight: Parameter
  public let bias: Parameter?

  /// - Parameter deviation: standard deviation of the initial weights.
  public init(
    _ inputs: Int, _ outputs: Int, bias: Bool = false, deviation: Float = 0.02,
    role: Parameter.Role = .matrix, _ parameters: ParameterScope
  ) {
    weight = parameters["weight"].parameter([outputs, inputs], .normal(deviation), role)
    self.bias = bias ? parameters["bias"].parameter([outputs], .zeros, .vector) : nil
  }

  /// activation(x·weightᵀ + bias) + residual; x [.., inputs], shape [.., outputs].
  public func callAsFunction(
    _ x: Tensor, _ activation: Activation = .identity, adding residual: Tensor? = nil
  ) -> Tensor {
    linear(x, weight.tensor, bias?.tensor, activation, adding: residual)
  }
}

/// Several layers on the same norm(x); one pass over it where their weights are stored compressed.
public func projections(_ x: Tensor, norm: RMSNorm? = nil, _ layers: Linear...) -> [Tensor] {
  linears(x, norm: norm?.input, layers.map(\.weights))
}

extension Linear {
  var weights: LayerWeights { (weight.tensor, bias?.tensor) }
}

extension Linear {
  /// dropout(x·weightᵀ + bias) + residual, in one pass where nothing is dropped.
  public func callAsFunction(
    _ x: Tensor, _ dropout: Dropout?, layer: Int, adding residual: Tensor
  ) -> Tensor {
    guard let dropout, dropout.probability > 0 else { return self(x, adding: residual) }
    return PrimerTensors.dropout(self(x), dropout, layer: layer, adding: residual)
  }
}
