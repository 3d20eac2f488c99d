internal import Foundation
public import PrimerLayers

/// Mixtral (Jiang et al. 2024, arXiv 2401.04088): Mistral's blocks, each with experts in place of the
/// feed-forward layer.
public struct MixtralConfiguration: Sendable, Equatable {
  public var decoder: DecoderShape
  /// The last tokens that each token sees, its own included; nil: all.
  public var window: Int?
  public var experts: MixtureOfExperts.Settings

  public init(_ decoder: DecoderShape, window: Int? = nil, experts: MixtureOfExperts.Settings) {
    self.decoder = decoder
    self.window = window
    self.experts = experts
  }
}

/// config.json's spelling of what is Mixtral's own.
private struct MixtralFile: Codable {
  var sliding_window, num_local_experts, num_experts_per_tok: Int?
}

extension MixtralConfiguration: ModelConfiguration {
  init(json: Data, from url: URL) throws {
    let decoder = try DecoderShape(
      json: json, from: url, DecoderDefaults(normEpsilon: 1e-5, rotaryBase: 1_000_000))
    let file = try decoded(MixtralFile.self, json, url)
    let experts = MixtureOfExperts.Settings(
      experts: file.num_local_experts ?? 8, chosen: file.num_experts_per_tok ?? 2,
      hiddenWidth: decoder.hiddenWidth, normalises: true)
    try checkExperts(experts, url)
    self.init(decoder, window: try checkedWindow(file.sliding_window, url), experts: experts)
  }

  var json: Data {
    get throws {
      try decoder.json(
        modelType: "mixtral", architecture: "MixtralForCausalLM",
        [
          "sliding_window": window, "num_local_experts": experts.experts,
          "num_experts_per_tok": experts.chosen,
        ])
    }
  }
}
