public import Foundation
public import PrimerLayers

/// Gemma 3: x += norm(attention(norm(x))); x += norm(feedForward(norm(x))), queries and keys normalised
/// head by head, windowed layers turned by rotary positions of their own.
public struct Gemma3Model: DecoderModel {
  public static let modelType = "gemma3_text"
  public static let otherModelTypes = ["gemma3"]
  public static let checkpointNames = CheckpointNames.gemma3

  public let body: DecoderBody<SandwichNormBlock>
  private let settings: Gemma3Configuration

  public init(_ configuration: Gemma3Configuration, _ root: ParameterScope) throws {
    let decoder = configuration.decoder
    let local = RotaryPositions(configuration.localRotary, positions: decoder.context)
    body = try DecoderBody(
      decoder, normOffset: 1, embeddingScale: Float(decoder.width).squareRoot(), root
    ) { number, global, block in
      SandwichNormBlock(
        decoder, number, configuration.windowed[number] ? local : global,
        configuration.reach(number), .init(normsHeads: true, normOffset: 1), block)
    }
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(Gemma3Configuration(json: configuration, from: url), parameters)
  }

  public var logitCap: Float? { settings.logitCap }
  public var configuration: Data { get throws { try settings.json } }
}
