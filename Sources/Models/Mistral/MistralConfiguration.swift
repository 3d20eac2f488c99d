internal import Foundation
public import PrimerLayers

/// Mistral 7B (Jiang et al. 2023, arXiv 2310.06825): Llama's blocks, attention within a window.
public struct MistralConfiguration: Sendable, Equatable {
  public var decoder: DecoderShape
  /// The last tokens that each token sees, its own included; nil: all.
  public var window: Int?

  public init(_ decoder: DecoderShape, window: Int? = nil) {
    self.decoder = decoder
    self.window = window
  }
}

/// config.json's spelling of what is Mistral's own.
private struct MistralFile: Codable {
  var sliding_window: Int?
}

extension MistralConfiguration: ModelConfiguration {
  init(json: Data, from url: URL) throws {
    let file = try decoded(MistralFile.self, json, url)
    self.init(
      try DecoderShape(json: json, from: url), window: try checkedWindow(file.sliding_window, url))
  }

  var json: Data {
    get throws {
      try decoder.json(
        modelType: "mistral", architecture: "MistralForCausalLM", ["sliding_window": window])
    }
  }
}
