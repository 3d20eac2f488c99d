public import PrimerTensors

/// norm(blocks(dropout(scale · embedding(tokens)))) and an output head: what rotary decoders have around
/// their blocks, under the names of `transformers`.
public struct DecoderBody<Block: ResidualBlock>: Sendable {
  private let tokens: Embedding
  private let embeddingScale: Float
  private let blocks: BlockStack<Block>
  private let norm: RMSNorm
  /// The output head's weight [vocabulary, width]; the embedding's where they are tied.
  public let head: Parameter
  public let parameters: [Parameter]
  public let shape: DecoderShape
  /// How the rows of queries and keys are ordered.
  public let rotaryLayout: RotaryTable.Layout

  /// - Parameters:
  ///   - normOffset: what is added to the last norm's weights.
  ///   - block: the layer of a number, with the rotary positions of `shape`, from its scope.
  /// - Throws: the first problem met while pulling parameters.
  public init(
    _ shape: DecoderShape, normOffset: Float = 0, embeddingScale: Float = 1,
    _ root: ParameterScope, block: (Int, RotaryPositions, ParameterScope) -> Block
  ) throws {
    let scope = root["model"]
    let rotary = RotaryPositions(shape.rotary, positions: shape.context, layout: root.rotaryLayout)
    tokens = Embedding(shape.vocabulary, shape.width, scope["embed_tokens"])
    blocks = try BlockStack(shape.layers, scope["layers"]) { block($0, rotary, $1) }
    norm = RMSNorm(shape.width, offset: normOffset, epsilon: shape.normEpsilon, scope["norm"])
    head =
      shape.tiesHead
      ? tokens.weight
      : Linear(shape.width, shape.vocabulary, role: .embedding, root["lm_head"]).weight
    parameters = try root.finish()
    self.shape = shape
    self.embeddingScale = embeddingScale
    rotaryLayout = root.rotaryLayout
  }

  /// Hidden states [batch, time, width] after the last norm, for tokens int32 [batch, time].
  public func callAsFunction(_ ids: Tensor, _ pass: ForwardPass) -> Tensor {
    norm(blocks(dropout(tokens(ids, scale: embeddingScale), pass.dropout, layer: 0), pass))
  }
}
