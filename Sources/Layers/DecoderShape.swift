public import PrimerTensors

/// The numbers that the blocks of a rotary decoder are built from.
public struct DecoderShape: Sendable, Equatable {
  public var vocabulary, context, width, layers, heads: Int
  /// Heads of keys and values, each shared by a group of query heads (Ainslie et al. 2023, arXiv
  /// 2305.13245).
  public var keyValueHeads: Int
  public var headWidth: Int
  /// Inside the feed-forward layer.
  public var hiddenWidth: Int
  public var activation: Activation
  public var normEpsilon: Float
  public var rotary: RotarySettings
  /// Whether the output head is the embedding.
  public var tiesHead: Bool

  public init(
    vocabulary: Int, context: Int, width: Int, layers: Int, heads: Int, keyValueHeads: Int? = nil,
    headWidth: Int? = nil, hiddenWidth: Int, activation: Activation = .silu,
    normEpsilon: Float = 1e-5, rotary: RotarySettings? = nil, tiesHead: Bool = false
  ) {
    self.vocabulary = vocabulary
    self.context = context
    self.width = width
    self.layers = layers
    self.heads = heads
    self.keyValueHeads = keyValueHeads ?? heads
    self.headWidth = headWidth ?? width / max(heads, 1)
    self.hiddenWidth = hiddenWidth
    self.activation = activation
    self.normEpsilon = normEpsilon
    self.rotary = rotary ?? RotarySettings(width: self.headWidth)
    self.tiesHead = tiesHead
  }

  /// Initial deviation of what adds to the residual stream (training grows it with every layer).
  public var outputDeviation: Float { 0.02 / Float(2 * layers).squareRoot() }
}
