public import Foundation
public import PrimerLayers

/// Llama: x += attention(norm(x)); x += down(activation(gate(norm(x))) · up(norm(x))).
public struct LlamaModel: DecoderModel {
  public static let modelType = "llama"
  public static let checkpointNames = CheckpointNames.llama

  public let body: DecoderBody<PreNormBlock>
  private let settings: LlamaConfiguration

  public init(_ configuration: LlamaConfiguration, _ root: ParameterScope) throws {
    let decoder = configuration.decoder
    body = try DecoderBody(decoder, root) { number, rotary, block in
      PreNormBlock(
        decoder, block,
        attention: GroupedAttention(
          decoder, number, rotary, AttentionReach(),
          .init(bias: configuration.attentionBias, outputBias: configuration.attentionBias),
          block["self_attn"]),
        feedForward: GatedFeedForward(
          decoder, number, bias: configuration.feedForwardBias, block["mlp"]))
    }
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(LlamaConfiguration(json: configuration, from: url), parameters)
  }

  public var configuration: Data { get throws { try settings.json } }
}
