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

extension Qwen2Configuration: ModelConfiguration {
  init(json: Data, from url: URL) throws {
    decoder = try DecoderShape(json: json, from: url)
    let windows = try QwenWindows(json: json, from: url, layers: decoder.layers) { $0 >= $1 }
    (window, windowed) = (windows.window, windows.windowed)
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
