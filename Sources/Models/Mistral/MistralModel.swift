public import Foundation
public import PrimerLayers

/// Mistral: x += attention(norm(x)); x += feedForward(norm(x)), each token looking back no further than
/// the window.
public struct MistralModel: DecoderModel {
  public static let modelType = "mistral"
  public static let checkpointNames = CheckpointNames.mistral

  public let body: DecoderBody<PreNormBlock>
  private let settings: MistralConfiguration

  public init(_ configuration: MistralConfiguration, _ root: ParameterScope) throws {
    let decoder = configuration.decoder
    body = try DecoderBody(decoder, root) { number, rotary, block in
      PreNormBlock(
        decoder, block,
        attention: GroupedAttention(
          decoder, number, rotary, AttentionReach(window: configuration.window), .init(),
          block["self_attn"]),
        feedForward: GatedFeedForward(decoder, number, block["mlp"]))
    }
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(MistralConfiguration(json: configuration, from: url), parameters)
  }

  public var configuration: Data { get throws { try settings.json } }
}
