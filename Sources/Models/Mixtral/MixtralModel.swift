public import Foundation
public import PrimerLayers

/// Mixtral: x += attention(norm(x)); x += experts(norm(x)).
public struct MixtralModel: DecoderModel {
  public static let modelType = "mixtral"
  public static let checkpointNames = CheckpointNames.mixtral

  public let body: DecoderBody<PreNormBlock>
  private let settings: MixtralConfiguration

  public init(_ configuration: MixtralConfiguration, _ root: ParameterScope) throws {
    let decoder = configuration.decoder
    body = try DecoderBody(decoder, root) { number, rotary, block in
      PreNormBlock(
        decoder, block,
        attention: GroupedAttention(
          decoder, number, rotary, AttentionReach(window: configuration.window), .init(),
          block["self_attn"]),
        feedForward: ExpertLayer(
          decoder, number, configuration.experts, block["block_sparse_moe"]))
    }
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(MixtralConfiguration(json: configuration, from: url), parameters)
  }

  public var configuration: Data { get throws { try settings.json } }
}
