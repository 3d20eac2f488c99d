public import Foundation
public import PrimerLayers

/// Qwen3: x += attention(norm(x)); x += feedForward(norm(x)), queries and keys normalised head by head.
public struct Qwen3Model: DecoderModel {
  public static let modelType = "qwen3"
  public static let checkpointNames = CheckpointNames.qwen3

  public let body: DecoderBody<PreNormBlock>
  private let settings: Qwen3Configuration

  public init(_ configuration: Qwen3Configuration, _ root: ParameterScope) throws {
    let decoder = configuration.decoder
    body = try DecoderBody(decoder, root) { number, rotary, block in
      PreNormBlock(
        decoder, block,
        attention: GroupedAttention(
          decoder, number, rotary, configuration.reach(number),
          .init(
            bias: configuration.attentionBias, outputBias: configuration.attentionBias,
            normsHeads: true),
          block["self_attn"]),
        feedForward: GatedFeedForward(decoder, number, block["mlp"]))
    }
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(Qwen3Configuration(json: configuration, from: url), parameters)
  }

  public var configuration: Data { get throws { try settings.json } }
}
