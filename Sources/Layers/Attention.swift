public import PrimerTensors

/// How a layer looks back.
public struct AttentionReach: Sendable {
  /// Only the last `window` tokens, its own included; nil: all.
  public var window: Int?
  /// c·tanh(score / c) (Gemma 2, arXiv 2408.00118); nil: none.
  public var softCap: Float?
  /// Factor of the scores; nil: 1/√headWidth.
  public var scale: Float?

  public init(window: Int? = nil, softCap: Float? = nil, scale: Float? = nil) {
    self.window = window
    self.softCap = softCap
    self.scale = scale
  }
}

/// Attention of a decoder's layer `layer` over what it has read: through the pass's cache where
/// there is one. query [batch, time, heads, width], key and value [batch, time, keyValueHeads,
/// width]; shape of query.
public func decoderAttention(
  query: Tensor, key: Tensor, value: Tensor, _ pass: ForwardPass, layer: Int,
  _ reach: AttentionReach = AttentionReach()
) -> Tensor {
  if let cached = pass.cached {
    return cachedAttention(
      query: query, key: key, value: value, cached.cache.layers[layer], cached.rows,
      scale: reach.scale, window: reach.window, softCap: reach.softCap)
  }
  var pattern = pass.causalPattern
  pattern.window = reach.window
  pattern.softCap = reach.softCap
  pattern.scale = reach.scale
  return attention(
    query: query, key: key, value: value, pattern, dropout: pass.dropout, layer: 3 * layer + 1)
}

/// `decoderAttention` on packed [batch, time, (heads + 2·keyValueHeads)·width]; shape [batch, time,
/// heads·width].
public func selfAttention(
  packed: Tensor, heads: Int, keyValueHeads: Int, _ pass: ForwardPass, layer: Int
) -> Tensor {
  guard pass.cached != nil else {
    return selfAttention(
      packed: packed, heads: heads, keyValueHeads: keyValueHeads, pass.causalPattern,
      dropout: pass.dropout, layer: 3 * layer + 1)
  }
  let (batch, time) = (packed.shape[0], packed.shape[1])
  let split = packed.reshaped([batch, time, heads + 2 * keyValueHeads, -1])
  let middle = heads + keyValueHeads
  return decoderAttention(
    query: split.sliced(axis: 2, 0..<heads), key: split.sliced(axis: 2, heads..<middle),
    value: split.sliced(axis: 2, middle..<middle + keyValueHeads), pass, layer: layer
  ).reshaped([batch, time, -1])
}
