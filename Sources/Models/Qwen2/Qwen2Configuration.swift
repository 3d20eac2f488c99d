internal import Foundation
public import PrimerLayers

/// Qwen2 and Qwen2.5 (Yang et al. 2024, arXiv 2407.10671): Llama's blocks with biased queries, keys and
/// values, the later layers within a window where a model says so.
public struct Qwen2Configuration: Sendable, Equatable {
  public var decoder: DecoderShape
  /// The last tokens that each token sees in windowed layers; nil: there are none.
  public var window: Int?
  /// Whether each layer is windowed.
  public var windowed: [Bool]

  public init(_ decoder: DecoderShape, window: Int? = nil, windowed: [Bool]? = nil) {
    self.decoder = decoder
    self.window = window
    self.windowed = windowed ?? [Bool](repeating: false, count: decoder.layers)
  }

  func reach(_ layer: Int) -> AttentionReach {
    AttentionReach(window: windowed[layer] ? window : nil)
  }
}

/// config.json's spelling of what is Qwen2's own.
private struct Qwen2File: Codable {
  var use_sliding_window: Bool?
  var sliding_window, max_window_layers: Int?
  var layer_types: [String]?
}

extension Qwen2Configuration: ModelConfiguration {
  init(json: Data, from url: URL) throws {
    decoder = try DecoderShape(json: json, from: url)
    let file = try decoded(Qwen2File.self, json, url)
    window = try checkedWindow(
      file.use_sliding_window == true ? file.sliding_window ?? 4096 : nil, url)
    let (window, first) = (window, file.max_window_layers ?? 28)
    windowed = try windowedLayers(file.layer_types, decoder.layers, url) {
      window != nil && $0 >= first
    }
  }

  var json: Data {
    get throws {
      try decoder.json(
        modelType: "qwen2", architecture: "Qwen2ForCausalLM",
        [
          "use_sliding_window": window != nil, "sliding_window": window,
          "layer_types": layerTypes(windowed),
        ])
    }
  }
}
