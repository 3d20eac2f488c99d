public import Foundation
public import PrimerLayers

/// Gemma 2: x += norm(attention(norm(x))); x += norm(feedForward(norm(x))).
public struct Gemma2Model: DecoderModel {
  public static let modelType = "gemma2"
  public static let checkpointNames = CheckpointNames.gemma2

  public let body: DecoderBody<SandwichNormBlock>
  private let settings: Gemma2Configuration

  public init(_ configuration: Gemma2Configuration, _ root: ParameterScope) throws {
    let decoder = configuration.decoder
    body = try DecoderBody(
      decoder, normOffset: 1, embeddingScale: Float(decoder.width).squareRoot(), root
    ) { number, rotary, block in
      SandwichNormBlock(
        decoder, number, rotary, configuration.reach(number), .init(), block)
    }
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(Gemma2Configuration(json: configuration, from: url), parameters)
  }

  public var logitCap: Float? { settings.logitCap }
  public var configuration: Data { get throws { try settings.json } }
}
