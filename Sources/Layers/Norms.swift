public import PrimerTensors

/// (x - mean)/√(variance + epsilon) · weight + bias over the last axis.
public struct LayerNorm: Sendable {
  let weight: Parameter
  let bias: Parameter?
  let epsilon: Float

  public init(_ width: Int, bias: Bool = true, epsilon: Float, _ parameters: ParameterScope) {
    weight = parameters["weight"].parameter([width], .ones, .vector)
    self.bias = bias ? parameters["bias"].parameter([width], .zeros, .vector) : nil
    self.epsilon = epsilon
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    layerNorm(x, weight.tensor, bias?.tensor, epsilon: epsilon)
  }
}

/// x/√(mean x² + epsilon) · weight over the last axis.
public struct RMSNorm: Sendable {
  let weight: Parameter
  let epsilon: Float

  public init(_ width: Int, epsilon: Float, _ parameters: ParameterScope) {
    weight = parameters["weight"].parameter([width], .ones, .vector)
    self.epsilon = epsilon
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    rmsNorm(x, weight.tensor, epsilon: epsilon)
  }
}
