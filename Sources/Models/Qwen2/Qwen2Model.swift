public import Foundation
public import PrimerLayers

/// Qwen2: x += attention(norm(x)); x += feedForward(norm(x)), with biases of queries, keys and values.
public struct Qwen2Model: DecoderModel {
  public static let modelType = "qwen2"
  public static let checkpointNames = CheckpointNames.qwen2

  public let body: DecoderBody<PreNormBlock>
  private let settings: Qwen2Configuration

  public init(_ configuration: Qwen2Configuration, _ root: ParameterScope) throws {
    let decoder = configuration.decoder
    body = try DecoderBody(decoder, root) { number, rotary, block in
      PreNormBlock(
        decoder, block,
        attention: GroupedAttention(
          decoder, number, rotary, configuration.reach(number),
          .init(bias: true), block["self_attn"]),
        feedForward: GatedFeedForward(decoder, number, block["mlp"]))
    }
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(Qwen2Configuration(json: configuration, from: url), parameters)
  }

  public var configuration: Data { get throws { try settings.json } }
}
