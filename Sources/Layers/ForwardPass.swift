public import PrimerTensors

/// What differs from one forward pass to the next, beside the tokens.
public struct ForwardPass {
  /// nil: none, as in evaluation and generation.
  public var dropout: Dropout?
  /// Where earlier keys and values are, and new ones go; tokens are then [1, rows of the batch].
  public var cached: CachedBatch?
  /// int32 [batch, time]: the document of each token, where rows hold several.
  public var segments: Tensor?
  /// Keep only each block's input, and compute its inside again for the gradient.
  public var recomputesBlocks = false

  public init(
    dropout: Dropout? = nil, cached: CachedBatch? = nil, segments: Tensor? = nil,
    recomputesBlocks: Bool = false
  ) {
    self.dropout = dropout
    self.cached = cached
    self.segments = segments
    self.recomputesBlocks = recomputesBlocks
  }

  /// Decoder attention: causal, within documents.
  public var causalPattern: AttentionPattern {
    var pattern = AttentionPattern.causal
    pattern.segments = segments
    return pattern
  }

  /// Position of each token of [batch, time]; int32 [batch · time].
  public func positions(batch: Int, time: Int) -> Tensor {
    if let cached { return cached.rows.positions }
    let row = (0..<Int32(time))
    return Tensor((0..<batch).flatMap { _ in row }, shape: [batch * time])
  }

  /// Tokens that the longest text of the pass may come to have, so that nothing changes while it grows.
  func longestText(time: Int) -> Int { cached?.cache.longestText ?? time }
}
