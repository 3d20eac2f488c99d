public import Foundation
public import PrimerLayers
public import PrimerTensors

/// Phi-3: x += attention(norm(x)); x += down(activation(gate(norm(x))) · up(norm(x))).
public struct Phi3Model: LanguageModel {
  public static let modelType = "phi3"
  public static let checkpointNames = CheckpointNames.phi3

  let tokens: Embedding
  let blocks: BlockStack<Phi3Block>
  let norm: RMSNorm
  public let head: Parameter
  public let parameters: [Parameter]
  private let settings: Phi3Configuration

  public init(_ configuration: Phi3Configuration, _ root: ParameterScope) throws {
    let (decoder, scope) = (configuration.decoder, root["model"])
    let rotary = RotaryPositions(decoder.rotary, positions: decoder.context)
    tokens = Embedding(decoder.vocabulary, decoder.width, scope["embed_tokens"])
    blocks = BlockStack(decoder.layers, scope["layers"]) {
      Phi3Block(configuration, $0, rotary, $1)
    }
    norm = RMSNorm(decoder.width, epsilon: decoder.normEpsilon, scope["norm"])
    head = outputHead(decoder, tokens, root)
    parameters = try root.finish()
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(Phi3Configuration(json: configuration, from: url), parameters)
  }

  public var shape: ModelShape { ModelShape(settings.decoder) }
  public var configuration: Data { get throws { try settings.json } }

  public func hidden(_ ids: Tensor, _ pass: ForwardPass) -> Tensor {
    norm(blocks(dropout(tokens(ids), pass.dropout, layer: 0), pass))
  }
}

struct Phi3Block: ResidualBlock {
  private let attentionNorm, feedForwardNorm: RMSNorm
  private let attention: Phi3Attention
  private let feedForward: Phi3FeedForward

  init(
    _ configuration: Phi3Configuration, _ number: Int, _ rotary: RotaryPositions,
    _ parameters: ParameterScope
  ) {
    let (width, epsilon) = (configuration.decoder.width, configuration.decoder.normEpsilon)
    attentionNorm = RMSNorm(width, epsilon: epsilon, parameters["input_layernorm"])
    attention = Phi3Attention(configuration, number, rotary, parameters["self_attn"])
    feedForwardNorm = RMSNorm(width, epsilon: epsilon, parameters["post_attention_layernorm"])
    feedForward = Phi3FeedForward(configuration.decoder, number, parameters["mlp"])
  }

  func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
    let y = attention(attentionNorm(x), adding: x, pass)
    return feedForward(feedForwardNorm(y), adding: y, pass)
  }
}

struct Phi3Attention: Sendable {
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

  func callAsFunction(_ x: Tensor, adding residual: Tensor, _ pass: ForwardPass) -> Tensor {
    let (batch, time) = (x.shape[0], x.shape[1])
    let all = queryKeyValue(x).reshaped([batch, time, -1, headWidth])
    let middle = heads + keyValueHeads
    let mixed = decoderAttention(
      query: rotary(all.sliced(axis: 2, 0..<heads), pass),
      key: rotary(all.sliced(axis: 2, heads..<middle), pass),
      value: all.sliced(axis: 2, middle..<middle + keyValueHeads), pass, layer: number, reach)
    return output(
      mixed.reshaped([batch, time, -1]), pass.dropout, layer: 3 * number + 2, adding: residual)
  }
}

struct Phi3FeedForward: Sendable {
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

  func callAsFunction(_ x: Tensor, adding residual: Tensor, _ pass: ForwardPass) -> Tensor {
    let parts = gateUp(x).split(2, axis: 2)
    return down(
      gated(activation, parts[0], parts[1]), pass.dropout, layer: 3 * number + 3,
      adding: residual)
  }
}
