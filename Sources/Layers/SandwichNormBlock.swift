public import PrimerTensors

/// y = x + norm(attention(norm(x))); y + norm(feedForward(norm(y))), norms by 1 + weight (Gemma 2).
public struct SandwichNormBlock: ResidualBlock {
  private let attentionNorm, attentionOutputNorm, feedForwardNorm, feedForwardOutputNorm: RMSNorm
  private let attention: GroupedAttention
  private let feedForward: GatedFeedForward
  private let number: Int

  /// - Parameter number: the layer, from 0.
  public init(
    _ shape: DecoderShape, _ number: Int, _ rotary: RotaryPositions, _ reach: AttentionReach,
    _ options: GroupedAttention.Options, _ parameters: ParameterScope
  ) {
    func norm(_ name: String) -> RMSNorm {
      RMSNorm(shape.width, offset: 1, epsilon: shape.normEpsilon, parameters[name])
    }
    attentionNorm = norm("input_layernorm")
    attention = GroupedAttention(shape, number, rotary, reach, options, parameters["self_attn"])
    attentionOutputNorm = norm("post_attention_layernorm")
    feedForwardNorm = norm("pre_feedforward_layernorm")
    feedForward = GatedFeedForward(shape, number, parameters["mlp"])
    feedForwardOutputNorm = norm("post_feedforward_layernorm")
    self.number = number
  }

  public func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
    let y = dropout(
      attentionOutputNorm(attention(x, norm: attentionNorm, pass)), pass.dropout,
      layer: 3 * number + 2,
      adding: x)
    return dropout(
      feedForwardOutputNorm(feedForward(y, norm: feedForwardNorm, pass)), pass.dropout,
      layer: 3 * number + 3, adding: y)
  }
}
