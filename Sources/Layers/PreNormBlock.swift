public import PrimerTensors

/// A sublayer of a block: residual + dropout(its answer to norm(x)), both [batch, time, width].
public protocol ResidualLayer: Sendable {
  /// - Parameter norm: nil: x as it is.
  func callAsFunction(
    _ x: Tensor, norm: RMSNorm?, adding residual: Tensor, _ pass: ForwardPass
  ) -> Tensor
}

/// y = x + attention(norm(x)); y + feedForward(norm(y)) (Llama).
public struct PreNormBlock: ResidualBlock {
  private let attentionNorm, feedForwardNorm: RMSNorm
  private let attention, feedForward: any ResidualLayer

  /// Sublayers are made between the norms, so that parameters are pulled in the order of use.
  public init(
    _ shape: DecoderShape, _ parameters: ParameterScope,
    attention: @autoclosure () -> any ResidualLayer,
    feedForward: @autoclosure () -> any ResidualLayer
  ) {
    func norm(_ name: String) -> RMSNorm {
      RMSNorm(shape.width, epsilon: shape.normEpsilon, parameters[name])
    }
    attentionNorm = norm("input_layernorm")
    self.attention = attention()
    feedForwardNorm = norm("post_attention_layernorm")
    self.feedForward = feedForward()
  }

  public func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
    let y = attention(x, norm: attentionNorm, adding: x, pass)
    return feedForward(y, norm: feedForwardNorm, adding: y, pass)
  }
}
