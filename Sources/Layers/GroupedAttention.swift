public import PrimerTensors

/// output(attention(rotary(norm(query(x))), rotary(norm(key(x))), value(x))): grouped heads, rotary
/// positions, and norms of queries and keys where a family has them.
public struct GroupedAttention: ResidualLayer {
  private let query, key, value, output: Linear
  private let queryNorm, keyNorm: RMSNorm?
  private let rotary: RotaryPositions
  private let reach: AttentionReach
  private let headWidth, number: Int

  /// What families differ in.
  public struct Options: Sendable {
    /// Biases of queries, keys and values, and of the output.
    public var bias, outputBias: Bool
    /// Whether each head's queries and keys are normalised, and what is added to those norms' weights.
    public var normsHeads: Bool
    public var normOffset: Float

    public init(
      bias: Bool = false, outputBias: Bool = false, normsHeads: Bool = false, normOffset: Float = 0
    ) {
      self.bias = bias
      self.outputBias = outputBias
      self.normsHeads = normsHeads
      self.normOffset = normOffset
    }
  }

  /// - Parameter number: the layer, from 0.
  public init(
    _ shape: DecoderShape, _ number: Int, _ rotary: RotaryPositions,
    _ reach: AttentionReach = AttentionReach(), _ options: Options = Options(),
    _ parameters: ParameterScope
  ) {
    let (width, headWidth) = (shape.width, shape.headWidth)
    let (queryWidth, keyWidth) = (shape.heads * headWidth, shape.keyValueHeads * headWidth)
    query = Linear(width, queryWidth, bias: options.bias, parameters["q_proj"])
    key = Linear(width, keyWidth, bias: options.bias, parameters["k_proj"])
    value = Linear(width, keyWidth, bias: options.bias, parameters["v_proj"])
    output = Linear(
      queryWidth, width, bias: options.outputBias, deviation: shape.outputDeviation,
      parameters["o_proj"])
    func norm(_ name: String) -> RMSNorm? {
      guard options.normsHeads else { return nil }
      return RMSNorm(
        headWidth, offset: options.normOffset, epsilon: shape.normEpsilon, parameters[name])
    }
    queryNorm = norm("q_norm")
    keyNorm = norm("k_norm")
    self.rotary = rotary
    self.reach = reach
    self.headWidth = headWidth
    self.number = number
  }

  /// The answer to norm(x); x is [batch, time, width].
  public func callAsFunction(_ x: Tensor, norm: RMSNorm? = nil, _ pass: ForwardPass) -> Tensor {
    output(mixed(x, norm, pass))
  }

  public func callAsFunction(
    _ x: Tensor, norm: RMSNorm?, adding residual: Tensor, _ pass: ForwardPass
  ) -> Tensor {
    output(mixed(x, norm, pass), pass.dropout, layer: 3 * number + 2, adding: residual)
  }

  /// What the heads answer: [batch, time, heads · headWidth].
  private func mixed(_ x: Tensor, _ norm: RMSNorm?, _ pass: ForwardPass) -> Tensor {
    let (batch, time) = (x.shape[0], x.shape[1])
    func heads(_ x: Tensor) -> Tensor { x.reshaped([batch, time, -1, headWidth]) }
    let parts = projections(x, norm: norm, query, key, value).map(heads)
    let (query, key) = (queryNorm?(parts[0]) ?? parts[0], keyNorm?(parts[1]) ?? parts[1])
    return decoderAttention(
      query: rotary(query, pass), key: rotary(key, pass), value: parts[2], pass, layer: number,
      reach
    ).reshaped([batch, time, -1])
  }
}
