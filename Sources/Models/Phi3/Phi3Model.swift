public import Foundation
public import PrimerLayers
internal import PrimerTensors

/// Phi-3: x += attention(norm(x)); x += down(activation(gate(norm(x))) · up(norm(x))).
public struct Phi3Model: DecoderModel {
  public static let modelType = "phi3"
  public static let checkpointNames = CheckpointNames.phi3

  public let body: DecoderBody<PreNormBlock>
  private let settings: Phi3Configuration

  public init(_ configuration: Phi3Configuration, _ root: ParameterScope) throws {
    let decoder = configuration.decoder
    body = try DecoderBody(decoder, root) { number, rotary, block in
      PreNormBlock(
        decoder, block,
        attention: Phi3Attention(configuration, number, rotary, block["self_attn"]),
        feedForward: Phi3FeedForward(decoder, number, block["mlp"]))
    }
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(Phi3Configuration(json: configuration, from: url), parameters)
  }

  public var configuration: Data { get throws { try settings.json } }
}

struct Phi3Attention: ResidualLayer {
  private let queryKeyValue, output: Linear
  private let rotary: RotaryPositions
  private let reach: AttentionReach
  private let heads, keyValueHeads, headWidth, number: Int

  init(
    _ configuration: Phi3Configuration, _ number: Int, _ rotary: RotaryPositions,
    _ parameters: ParameterScope
  ) {
    let decoder = configuration.decoder
    (heads, keyValueHeads) = (decoder.heads, decoder.keyValueHeads)
    headWidth = decoder.headWidth
    queryKeyValue = Linear(
      decoder.width, (heads + 2 * keyValueHeads) * headWidth, parameters["qkv_proj"])
    output = Linear(
      heads * headWidth, decoder.width, deviation: decoder.outputDeviation, parameters["o_proj"])
    self.rotary = rotary
    reach = AttentionReach(window: configuration.window)
    self.number = number
  }

  func callAsFunction(
    _ x: Tensor, norm: RMSNorm?, adding residual: Tensor, _ pass: ForwardPass
  ) -> Tensor {
    let (batch, time) = (x.shape[0], x.shape[1])
    let all = projections(x, norm: norm, queryKeyValue)[0].reshaped([batch, time, -1, headWidth])
    let middle = heads + keyValueHeads
    let mixed = decoderAttention(
      query: rotary(all.sliced(axis: 2, 0..<heads), pass),
      key: rotary(all.sliced(axis: 2, heads..<middle), pass),
      value: all.sliced(axis: 2, middle..<middle + keyValueHeads), pass, layer: number, reach)
    return output(
      mixed.reshaped([batch, time, -1]), pass.dropout, layer: 3 * number + 2, adding: residual)
  }
}

struct Phi3FeedForward: ResidualLayer {
  private let gateUp, down: Linear
  private let activation: Activation
  private let number: Int

  init(_ decoder: DecoderShape, _ number: Int, _ parameters: ParameterScope) {
    let (width, hidden) = (decoder.width, decoder.hiddenWidth)
    gateUp = Linear(width, 2 * hidden, parameters["gate_up_proj"])
    down = Linear(hidden, width, deviation: decoder.outputDeviation, parameters["down_proj"])
    activation = decoder.activation
    self.number = number
  }

  func callAsFunction(
    _ x: Tensor, norm: RMSNorm?, adding residual: Tensor, _ pass: ForwardPass
  ) -> Tensor {
    let parts = projections(x, norm: norm, gateUp)[0].split(2, axis: 2)
    return down(
      gated(activation, parts[0], parts[1]), pass.dropout, layer: 3 * number + 3,
      adding: residual)
  }
}
