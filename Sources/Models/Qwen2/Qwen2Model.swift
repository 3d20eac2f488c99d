public import Foundation
public import PrimerLayers
public import PrimerTensors

/// Qwen2: x += attention(norm(x)); x += feedForward(norm(x)), with biases of queries, keys and values.
public struct Qwen2Model: LanguageModel {
  public static let modelType = "qwen2"
  public static let checkpointNames = CheckpointNames.qwen2

  let tokens: Embedding
  let blocks: BlockStack<Qwen2Block>
  let norm: RMSNorm
  public let head: Parameter
  public let parameters: [Parameter]
  public let rotaryLayout: RotaryTable.Layout
  private let settings: Qwen2Configuration

  public init(_ configuration: Qwen2Configuration, _ root: ParameterScope) throws {
    let (decoder, scope) = (configuration.decoder, root["model"])
    let rotary = RotaryPositions(
      decoder.rotary, positions: decoder.context, layout: root.rotaryLayout)
    tokens = Embedding(decoder.vocabulary, decoder.width, scope["embed_tokens"])
    blocks = BlockStack(decoder.layers, scope["layers"]) {
      Qwen2Block(configuration, $0, rotary, $1)
    }
    norm = RMSNorm(decoder.width, epsilon: decoder.normEpsilon, scope["norm"])
    head = outputHead(decoder, tokens, root)
    parameters = try root.finish()
    rotaryLayout = root.rotaryLayout
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(Qwen2Configuration(json: configuration, from: url), parameters)
  }

  public var shape: ModelShape { ModelShape(settings.decoder) }
  public var configuration: Data { get throws { try settings.json } }

  public func hidden(_ ids: Tensor, _ pass: ForwardPass) -> Tensor {
    norm(blocks(dropout(tokens(ids), pass.dropout, layer: 0), pass))
  }
}

struct Qwen2Block: ResidualBlock {
  private let attentionNorm, feedForwardNorm: RMSNorm
  private let attention: GroupedAttention
  private let feedForward: GatedFeedForward

  init(
    _ configuration: Qwen2Configuration, _ number: Int, _ rotary: RotaryPositions,
    _ parameters: ParameterScope
  ) {
    let decoder = configuration.decoder
    let (width, epsilon) = (decoder.width, decoder.normEpsilon)
    attentionNorm = RMSNorm(width, epsilon: epsilon, parameters["input_layernorm"])
    attention = GroupedAttention(
      decoder, number, rotary, configuration.reach(number), .init(bias: true),
      parameters["self_attn"])
    feedForwardNorm = RMSNorm(width, epsilon: epsilon, parameters["post_attention_layernorm"])
    feedForward = GatedFeedForward(decoder, number, parameters["mlp"])
  }

  func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
    let y = attention(attentionNorm(x), adding: x, pass)
    return feedForward(feedForwardNorm(y), adding: y, pass)
  }
}
