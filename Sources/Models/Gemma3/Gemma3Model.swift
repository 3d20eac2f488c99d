public import Foundation
public import PrimerLayers
public import PrimerTensors

/// Gemma 3: x += norm(attention(norm(x))); x += norm(feedForward(norm(x))), queries and keys normalised
/// head by head, windowed layers turned by rotary positions of their own.
public struct Gemma3Model: LanguageModel {
  public static let modelType = "gemma3_text"
  public static let otherModelTypes = ["gemma3"]
  public static let checkpointNames = CheckpointNames.gemma3

  let tokens: Embedding
  let blocks: BlockStack<Gemma3Block>
  let norm: RMSNorm
  public let head: Parameter
  public let parameters: [Parameter]
  private let settings: Gemma3Configuration

  public init(_ configuration: Gemma3Configuration, _ root: ParameterScope) throws {
    let (decoder, scope) = (configuration.decoder, root["model"])
    let global = RotaryPositions(decoder.rotary, positions: decoder.context)
    let local = RotaryPositions(configuration.localRotary, positions: decoder.context)
    tokens = Embedding(decoder.vocabulary, decoder.width, scope["embed_tokens"])
    blocks = BlockStack(decoder.layers, scope["layers"]) {
      Gemma3Block(configuration, $0, configuration.windowed[$0] ? local : global, $1)
    }
    norm = RMSNorm(decoder.width, offset: 1, epsilon: decoder.normEpsilon, scope["norm"])
    head = outputHead(decoder, tokens, root)
    parameters = try root.finish()
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(Gemma3Configuration(json: configuration, from: url), parameters)
  }

  public var shape: ModelShape { ModelShape(settings.decoder) }
  public var logitCap: Float? { settings.logitCap }
  public var configuration: Data { get throws { try settings.json } }

  public func hidden(_ ids: Tensor, _ pass: ForwardPass) -> Tensor {
    let x = tokens(ids, scale: Float(settings.decoder.width).squareRoot())
    return norm(blocks(dropout(x, pass.dropout, layer: 0), pass))
  }
}

struct Gemma3Block: ResidualBlock {
  private let attentionNorm, attentionOutputNorm, feedForwardNorm, feedForwardOutputNorm: RMSNorm
  private let attention: GroupedAttention
  private let feedForward: GatedFeedForward
  private let number: Int

  init(
    _ configuration: Gemma3Configuration, _ number: Int, _ rotary: RotaryPositions,
    _ parameters: ParameterScope
  ) {
    let decoder = configuration.decoder
    func norm(_ name: String) -> RMSNorm {
      RMSNorm(decoder.width, offset: 1, epsilon: decoder.normEpsilon, parameters[name])
    }
    attentionNorm = norm("input_layernorm")
    attention = GroupedAttention(
      decoder, number, rotary, configuration.reach(number),
      .init(normsHeads: true, normOffset: 1), parameters["self_attn"])
    attentionOutputNorm = norm("post_attention_layernorm")
    feedForwardNorm = norm("pre_feedforward_layernorm")
    feedForward = GatedFeedForward(decoder, number, parameters["mlp"])
    feedForwardOutputNorm = norm("post_feedforward_layernorm")
    self.number = number
  }

  func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
    let y = dropout(
      attentionOutputNorm(attention(attentionNorm(x), pass)), pass.dropout, layer: 3 * number + 2,
      adding: x)
    return dropout(
      feedForwardOutputNorm(feedForward(feedForwardNorm(y), pass)), pass.dropout,
      layer: 3 * number + 3, adding: y)
  }
}
