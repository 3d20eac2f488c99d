public import PrimerTensors

/// Attention of a decoder's layer `layer` over what it has read: through the pass's cache where
/// there is one. query [batch, time, heads, width], key and value [batch, time, keyValueHeads,
/// width]; shape of query.
public func cachedAttention(
  query: Tensor, key: Tensor, value: Tensor, _ pass: ForwardPass, layer: Int
) -> Tensor {
  guard let cache = pass.cache else {
    return attention(
      query: query, key: key, value: value, pass.causalPattern, dropout: pass.dropout,
      layer: 3 * layer + 1)
  }
  let all = cache.append(key, value, layer: layer)
  return attention(query: query, key: all.key, value: all.value, .causal)
}

/// `cachedAttention` on packed [batch, time, (heads + 2·keyValueHeads)·width]; shape [batch, time,
/// heads·width].
public func selfAttention(
  packed: Tensor, heads: Int, keyValueHeads: Int, _ pass: ForwardPass, layer: Int
) -> Tensor {
  guard pass.cache != nil else {
    return selfAttention(
      packed: packed, heads: heads, keyValueHeads: keyValueHeads, pass.causalPattern,
      dropout: pass.dropout, layer: 3 * layer + 1)
  }
  let (batch, time) = (packed.shape[0], packed.shape[1])
  let split = packed.reshaped([batch, time, heads + 2 * keyValueHeads, -1])
  let middle = heads + keyValueHeads
  return cachedAttention(
    query: split.sliced(axis: 2, 0..<heads), key: split.sliced(axis: 2, heads..<middle),
    value: split.sliced(axis: 2, middle..<middle + keyValueHeads), pass, layer: layer
  ).reshaped([batch, time, -1])
}

/// Rotary positions of a model: one table for all of its layers.
public struct RotaryPositions: Sendable {
  private let table: RotaryTable

  /// Frequencies base^(-2i/width) for pairs i, for positions 0 ..< `positions`.
  public init(
    base: Double, width: Int, positions: Int, layout: RotaryTable.Layout = .halves
  ) {
    let frequencies = (0..<width / 2).map { power(base, -Double(2 * $0) / Double(width)) }
    table = RotaryTable(frequencies: frequencies, positions: positions, layout: layout)
  }

  /// Turns x [batch, time, heads, width], whose first token is at the pass's first position.
  public func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
    let (batch, time) = (x.shape[0], x.shape[1])
    let row = (0..<time).map { Int32(pass.firstPosition + $0) }
    let positions = Tensor((0..<batch).flatMap { _ in row }, shape: [batch * time])
    return rotary(x, table, positions: positions)
  }
}
