public import PrimerTensors

/// What differs from one forward pass to the next, beside the tokens.
public struct ForwardPass {
  /// nil: none, as in evaluation and generation.
  public var dropout: Dropout?
  /// Where earlier keys and values are, and new ones go.
  public var cache: KeyValueCache?
  /// int32 [batch, time]: the document of each token, where rows hold several.
  public var segments: Tensor?
  /// Keep only each block's input, and compute its inside again for the gradient.
  public var recomputesBlocks = false

  public init(
    dropout: Dropout? = nil, cache: KeyValueCache? = nil, segments: Tensor? = nil,
    recomputesBlocks: Bool = false
  ) {
    self.dropout = dropout
    self.cache = cache
    self.segments = segments
    self.recomputesBlocks = recomputesBlocks
  }

  /// Position of the pass's first token.
  public var firstPosition: Int { cache?.length ?? 0 }

  /// Decoder attention: causal, within documents.
  public var causalPattern: AttentionPattern {
    var pattern = AttentionPattern.causal
    pattern.segments = segments
    return pattern
  }
}
