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

/// x/√(mean x² + epsilon) · (weight + offset) over the last axis.
public struct RMSNorm: Sendable {
  let weight: Parameter
  let offset, epsilon: Float

  /// - Parameter offset: 1 where weights are kept as what they differ from 1 by (Gemma).
  public init(_ width: Int, offset: Float = 0, epsilon: Float, _ parameters: ParameterScope) {
    weight = parameters["weight"].parameter([width], offset == 0 ? .ones : .zeros, .vector)
    self.offset = offset
    self.epsilon = epsilon
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    rmsNorm(x, weight.tensor, offset: offset, epsilon: epsilon)
  }

  /// The norm as a part of the layers behind it.
  var input: InputNorm { InputNorm(weight.tensor, offset: offset, epsilon: epsilon) }
}
