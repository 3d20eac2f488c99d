public import Foundation
public import PrimerLayers
public import PrimerTensors

/// Qwen3-MoE: x += attention(norm(x)); x += experts(norm(x)).
public struct Qwen3MoEModel: LanguageModel {
  public static let modelType = "qwen3_moe"
  public static let checkpointNames = CheckpointNames.qwen3MoE

  let tokens: Embedding
  let blocks: BlockStack<Qwen3MoEBlock>
  let norm: RMSNorm
  public let head: Parameter
  public let parameters: [Parameter]
  public let rotaryLayout: RotaryTable.Layout
  private let settings: Qwen3MoEConfiguration

  public init(_ configuration: Qwen3MoEConfiguration, _ root: ParameterScope) throws {
    let (decoder, scope) = (configuration.decoder, root["model"])
    let rotary = RotaryPositions(
      decoder.rotary, positions: decoder.context, layout: root.rotaryLayout)
    tokens = Embedding(decoder.vocabulary, decoder.width, scope["embed_tokens"])
    blocks = BlockStack(decoder.layers, scope["layers"]) {
      Qwen3MoEBlock(configuration, $0, rotary, $1)
    }
    norm = RMSNorm(decoder.width, epsilon: decoder.normEpsilon, scope["norm"])
    head = outputHead(decoder, tokens, root)
    parameters = try root.finish()
    rotaryLayout = root.rotaryLayout
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(Qwen3MoEConfiguration(json: configuration, from: url), parameters)
  }

  public var shape: ModelShape { ModelShape(settings.decoder) }
  public var configuration: Data { get throws { try settings.json } }

  public func hidden(_ ids: Tensor, _ pass: ForwardPass) -> Tensor {
    norm(blocks(dropout(tokens(ids), pass.dropout, layer: 0), pass))
  }
}

struct Qwen3MoEBlock: ResidualBlock {
  private let attentionNorm, feedForwardNorm: RMSNorm
  private let attention: GroupedAttention
  private let feedForward: FeedForward
  private let number: Int

  private enum FeedForward: Sendable {
    case sparse(MixtureOfExperts)
    case dense(GatedFeedForward)
  }

  init(
    _ configuration: Qwen3MoEConfiguration, _ number: Int, _ rotary: RotaryPositions,
    _ parameters: ParameterScope
  ) {
    let decoder = configuration.decoder
    let (width, epsilon) = (decoder.width, decoder.normEpsilon)
    attentionNorm = RMSNorm(width, epsilon: epsilon, parameters["input_layernorm"])
    attention = GroupedAttention(
      decoder, number, rotary, AttentionReach(window: configuration.window),
      .init(
        bias: configuration.attentionBias, outputBias: configuration.attentionBias, normsHeads: true
      ),
      parameters["self_attn"])
    feedForwardNorm = RMSNorm(width, epsilon: epsilon, parameters["post_attention_layernorm"])
    feedForward =
      configuration.isSparse[number]
      ? .sparse(MixtureOfExperts(decoder, configuration.experts, parameters["mlp"]))
      : .dense(GatedFeedForward(decoder, number, parameters["mlp"]))
    self.number = number
  }

  func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
    let y = attention(attentionNorm(x), adding: x, pass)
    switch feedForward {
    case .sparse(let experts):
      return dropout(
        experts(feedForwardNorm(y)), pass.dropout, layer: 3 * number + 3, adding: y)
    case .dense(let layer): return layer(feedForwardNorm(y), adding: y, pass)
    }
  }
}
