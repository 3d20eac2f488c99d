public import Foundation
public import PrimerLayers

/// Qwen3-MoE: x += attention(norm(x)); x += experts(norm(x)).
public struct Qwen3MoEModel: DecoderModel {
  public static let modelType = "qwen3_moe"
  public static let checkpointNames = CheckpointNames.qwen3MoE

  public let body: DecoderBody<PreNormBlock>
  private let settings: Qwen3MoEConfiguration

  public init(_ configuration: Qwen3MoEConfiguration, _ root: ParameterScope) throws {
    let decoder = configuration.decoder
    body = try DecoderBody(decoder, root) { number, rotary, block in
      PreNormBlock(
        decoder, block,
        attention: GroupedAttention(
          decoder, number, rotary, AttentionReach(window: configuration.window),
          .init(
            bias: configuration.attentionBias, outputBias: configuration.attentionBias,
            normsHeads: true),
          block["self_attn"]),
        feedForward: configuration.isSparse[number]
          ? ExpertLayer(decoder, number, configuration.experts, block["mlp"])
          : GatedFeedForward(decoder, number, block["mlp"]))
    }
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(Qwen3MoEConfiguration(json: configuration, from: url), parameters)
  }

  public var configuration: Data { get throws { try settings.json } }
}
