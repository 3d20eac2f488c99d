public import Foundation
public import PrimerLayers
public import PrimerTensors

/// Mixtral: x += attention(norm(x)); x += experts(norm(x)).
public struct MixtralModel: LanguageModel {
  public static let modelType = "mixtral"
  public static let checkpointNames = CheckpointNames.mixtral

  let tokens: Embedding
  let blocks: BlockStack<MixtralBlock>
  let norm: RMSNorm
  public let head: Parameter
  public let parameters: [Parameter]
  public let rotaryLayout: RotaryTable.Layout
  private let settings: MixtralConfiguration

  public init(_ configuration: MixtralConfiguration, _ root: ParameterScope) throws {
    let (decoder, scope) = (configuration.decoder, root["model"])
    let rotary = RotaryPositions(
      decoder.rotary, positions: decoder.context, layout: root.rotaryLayout)
    tokens = Embedding(decoder.vocabulary, decoder.width, scope["embed_tokens"])
    blocks = BlockStack(decoder.layers, scope["layers"]) {
      MixtralBlock(configuration, $0, rotary, $1)
    }
    norm = RMSNorm(decoder.width, epsilon: decoder.normEpsilon, scope["norm"])
    head = outputHead(decoder, tokens, root)
    parameters = try root.finish()
    rotaryLayout = root.rotaryLayout
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(MixtralConfiguration(json: configuration, from: url), parameters)
  }

  public var shape: ModelShape { ModelShape(settings.decoder) }
  public var configuration: Data { get throws { try settings.json } }

  public func hidden(_ ids: Tensor, _ pass: ForwardPass) -> Tensor {
    norm(blocks(dropout(tokens(ids), pass.dropout, layer: 0), pass))
  }
}

struct MixtralBlock: ResidualBlock {
  private let attentionNorm, feedForwardNorm: RMSNorm
  private let attention: GroupedAttention
  private let experts: MixtureOfExperts
  private let number: Int

  init(
    _ configuration: MixtralConfiguration, _ number: Int, _ rotary: RotaryPositions,
    _ parameters: ParameterScope
  ) {
    let decoder = configuration.decoder
    let (width, epsilon) = (decoder.width, decoder.normEpsilon)
    attentionNorm = RMSNorm(width, epsilon: epsilon, parameters["input_layernorm"])
    attention = GroupedAttention(
      decoder, number, rotary, AttentionReach(window: configuration.window), .init(),
      parameters["self_attn"])
    feedForwardNorm = RMSNorm(width, epsilon: epsilon, parameters["post_attention_layernorm"])
    experts = MixtureOfExperts(decoder, configuration.experts, parameters["block_sparse_moe"])
    self.number = number
  }

  func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
    let y = attention(attentionNorm(x), adding: x, pass)
    return dropout(
      experts(feedForwardNorm(y)), pass.dropout, layer: 3 * number + 3, adding: y)
  }
}
