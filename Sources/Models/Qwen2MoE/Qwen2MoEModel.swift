public import Foundation
public import PrimerLayers
internal import PrimerTensors

/// Qwen2-MoE: x += attention(norm(x)); x += experts(norm(x)) + σ(gate(norm(x))) · shared(norm(x)).
public struct Qwen2MoEModel: DecoderModel {
  public static let modelType = "qwen2_moe"
  public static let checkpointNames = CheckpointNames.qwen2MoE

  public let body: DecoderBody<PreNormBlock>
  private let settings: Qwen2MoEConfiguration

  public init(_ configuration: Qwen2MoEConfiguration, _ root: ParameterScope) throws {
    let decoder = configuration.decoder
    body = try DecoderBody(decoder, root) { number, rotary, block in
      PreNormBlock(
        decoder, block,
        attention: GroupedAttention(
          decoder, number, rotary, configuration.reach(number),
          .init(bias: configuration.attentionBias), block["self_attn"]),
        feedForward: configuration.isSparse[number]
          ? Qwen2MoEExperts(configuration, number, block["mlp"])
          : GatedFeedForward(decoder, number, block["mlp"]))
    }
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(Qwen2MoEConfiguration(json: configuration, from: url), parameters)
  }

  public var configuration: Data { get throws { try settings.json } }
}

struct Qwen2MoEExperts: ResidualLayer {
  private let experts: MixtureOfExperts
  private let shared: GatedFeedForward
  private let sharedGate: Linear
  private let number: Int

  init(_ configuration: Qwen2MoEConfiguration, _ number: Int, _ parameters: ParameterScope) {
    let decoder = configuration.decoder
    experts = MixtureOfExperts(decoder, configuration.experts, parameters)
    shared = GatedFeedForward(
      decoder, number, hiddenWidth: configuration.sharedHiddenWidth, parameters["shared_expert"])
    sharedGate = Linear(decoder.width, 1, parameters["shared_expert_gate"])
    self.number = number
  }

  func callAsFunction(
    _ x: Tensor, norm: RMSNorm?, adding residual: Tensor, _ pass: ForwardPass
  ) -> Tensor {
    let x = norm?(x) ?? x
    let answer = experts(x) + shared(x, pass) * Activation.sigmoid(sharedGate(x))
    return dropout(answer, pass.dropout, layer: 3 * number + 3, adding: residual)
  }
}
