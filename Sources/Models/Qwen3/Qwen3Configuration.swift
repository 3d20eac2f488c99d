internal import Foundation
public import PrimerLayers

/// Qwen3 (Yang et al. 2025, arXiv 2505.09388): Llama's blocks with a norm of each head's queries and
/// keys.
public struct Qwen3Configuration: Sendable, Equatable {
  public var decoder: DecoderShape
  public var attentionBias: Bool
  /// The last tokens that each token sees in windowed layers; nil: there are none.
  public var window: Int?
  /// Whether each layer is windowed.
  public var windowed: [Bool]

  public init(
    _ decoder: DecoderShape, attentionBias: Bool = false, window: Int? = nil,
    windowed: [Bool]? = nil
  ) {
    self.decoder = decoder
    self.attentionBias = attentionBias
    self.window = window
    self.windowed = windowed ?? [Bool](repeating: false, count: decoder.layers)
  }

  func reach(_ layer: Int) -> AttentionReach {
    AttentionReach(window: windowed[layer] ? window : nil)
  }
}

/// config.json's spelling of what is Qwen3's own.
private struct Qwen3File: Codable {
  var attention_bias: Bool?
}

extension Qwen3Configuration: ModelConfiguration {
  init(json: Data, from url: URL) throws {
    decoder = try DecoderShape(json: json, from: url, DecoderDefaults(headWidth: 128))
    let file = try decoded(Qwen3File.self, json, url)
    attentionBias = file.attention_bias ?? false
    let windows = try QwenWindows(json: json, from: url, layers: decoder.layers) { $0 >= $1 }
    (window, windowed) = (windows.window, windows.windowed)
  }

  var json: Data {
    get throws {
      try decoder.json(
        modelType: "qwen3", architecture: "Qwen3ForCausalLM",
        [
          "attention_bias": attentionBias, "use_sliding_window": window != nil,
          "sliding_window": window, "layer_types": layerTypes(windowed),
        ])
    }
  }
}
