internal import Foundation
internal import PrimerCheckpoints
public import PrimerLayers

/// Phi-3 and Phi-4-mini (Abdin et al. 2024, arXiv 2404.14219): Llama's blocks with queries, keys and
/// values in one product, gate and up in another.
public struct Phi3Configuration: Sendable, Equatable {
  public var decoder: DecoderShape
  /// The last tokens that each token sees, its own included; nil: all.
  public var window: Int?

  public init(_ decoder: DecoderShape, window: Int? = nil) {
    self.decoder = decoder
    self.window = window
  }
}

/// config.json's spelling of what is Phi-3's own.
private struct Phi3File: Codable {
  var sliding_window: Int?
}

extension Phi3Configuration: ModelConfiguration {
  init(json: Data, from url: URL) throws {
    let file = try decoded(Phi3File.self, json, url)
    self.init(
      try DecoderShape(json: json, from: url, DecoderDefaults(normEpsilon: 1e-5)),
      window: try checkedWindow(file.sliding_window, url))
  }

  var json: Data {
    get throws {
      var original = decoder.context
      if case .longRoPE(let scaling) = decoder.rotary.scaling { original = scaling.originalContext }
      // transformers' defaults for these ids lie outside small vocabularies.
      let none: Int? = nil
      return try decoder.json(
        modelType: "phi3", architecture: "Phi3ForCausalLM",
        [
          "sliding_window": window, "original_max_position_embeddings": original,
          "pad_token_id": none,
        ])
    }
  }
}
