internal import Foundation
public import PrimerLayers
public import PrimerTensors

/// Llama (Touvron et al. 2023, arXiv 2302.13971): RMS norm, rotary positions, gated feed-forward,
/// grouped heads. SmolLM2 is one too.
public struct LlamaConfiguration: Sendable, Equatable {
  public var decoder: DecoderShape
  public var attentionBias: Bool
  public var feedForwardBias: Bool

  public init(
    vocabulary: Int, context: Int, width: Int, layers: Int, heads: Int, keyValueHeads: Int? = nil,
    headWidth: Int? = nil, hiddenWidth: Int, activation: Activation = .silu,
    normEpsilon: Float = 1e-5, rotaryBase: Double = 10_000, tiesHead: Bool = false,
    attentionBias: Bool = false, feedForwardBias: Bool = false
  ) {
    decoder = DecoderShape(
      vocabulary: vocabulary, context: context, width: width, layers: layers, heads: heads,
      keyValueHeads: keyValueHeads, headWidth: headWidth, hiddenWidth: hiddenWidth,
      activation: activation, normEpsilon: normEpsilon, tiesHead: tiesHead)
    decoder.rotary.base = rotaryBase
    self.attentionBias = attentionBias
    self.feedForwardBias = feedForwardBias
  }
}

/// config.json's spelling of what is Llama's own.
private struct LlamaFile: Codable {
  var attention_bias, mlp_bias: Bool?
}

extension LlamaConfiguration: ModelConfiguration {
  init(json: Data, from url: URL) throws {
    decoder = try DecoderShape(json: json, from: url)
    let file = try decoded(LlamaFile.self, json, url)
    attentionBias = file.attention_bias ?? false
    feedForwardBias = file.mlp_bias ?? false
  }

  var json: Data {
    get throws {
      try decoder.json(
        modelType: "llama", architecture: "LlamaForCausalLM",
        ["attention_bias": attentionBias, "mlp_bias": feedForwardBias])
    }
  }
}
