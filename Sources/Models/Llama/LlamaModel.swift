public import Foundation
public import PrimerLayers
public import PrimerTensors

/// Llama: x += attention(norm(x)); x += down(activation(gate(norm(x))) · up(norm(x))).
public struct LlamaModel: LanguageModel {
  public static let modelType = "llama"
  public static let checkpointNames = CheckpointNames.llama

  let tokens: Embedding
  let blocks: [LlamaBlock]
  let norm: RMSNorm
  public let head: Parameter
  public let parameters: [Parameter]
  private let settings: LlamaConfiguration

  public init(_ configuration: LlamaConfiguration, _ root: ParameterScope) throws {
    let scope = root["model"]
    let rotary = RotaryPositions(
      base: configuration.rotaryBase, width: configuration.headWidth,
      positions: configuration.context)
    tokens = Embedding(configuration.vocabulary, configuration.width, scope["embed_tokens"])
    blocks = (0..<configuration.layers).map {
      LlamaBlock(configuration, $0, rotary, scope["layers"][$0])
    }
    norm = RMSNorm(configuration.width, epsilon: configuration.normEpsilon, scope["norm"])
    head =
      configuration.tiesHead
      ? tokens.weight
      : Linear(
        configuration.width, configuration.vocabulary, role: .embedding, root["lm_head"]
      ).weight
    parameters = try root.finish()
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(LlamaConfiguration(json: configuration, from: url), parameters)
  }

  public var vocabulary: Int { settings.vocabulary }
  public var context: Int { settings.context }
  public var configuration: Data { get throws { try settings.json } }
  public var shape: ModelShape {
    ModelShape(
      layers: settings.layers, width: settings.width, heads: settings.heads,
      keyValueHeads: settings.keyValueHeads, headWidth: settings.headWidth, positionCount: 0)
  }

  public func hidden(_ ids: Tensor, _ pass: ForwardPass) -> Tensor {
    var x = dropout(tokens(ids), pass.dropout, layer: 0)
    for block in blocks {
      x = pass.recomputesBlocks ? checkpointed(x) { block($0, pass) } : block(x, pass)
    }
    return norm(x)
  }
}

struct LlamaBlock: Sendable {
  private let attentionNorm, feedForwardNorm: RMSNorm
  private let attention: LlamaAttention
  private let feedForward: LlamaFeedForward

  init(
    _ configuration: LlamaConfiguration, _ number: Int, _ rotary: RotaryPositions,
    _ parameters: ParameterScope
  ) {
    let (width, epsilon) = (configuration.width, configuration.normEpsilon)
    attentionNorm = RMSNorm(width, epsilon: epsilon, parameters["input_layernorm"])
    attention = LlamaAttention(configuration, number, rotary, parameters["self_attn"])
    feedForwardNorm = RMSNorm(width, epsilon: epsilon, parameters["post_attention_layernorm"])
    feedForward = LlamaFeedForward(configuration, number, parameters["mlp"])
  }

  func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
    let y = attention(attentionNorm(x), adding: x, pass)
    return feedForward(feedForwardNorm(y), adding: y, pass)
  }
}

struct LlamaAttention: Sendable {
  private let query, key, value, output: Linear
  private let rotary: RotaryPositions
  private let headWidth, number: Int

  init(
    _ configuration: LlamaConfiguration, _ number: Int, _ rotary: RotaryPositions,
    _ parameters: ParameterScope
  ) {
    let (width, bias) = (configuration.width, configuration.attentionBias)
    let queryWidth = configuration.heads * configuration.headWidth
    let keyWidth = configuration.keyValueHeads * configuration.headWidth
    query = Linear(width, queryWidth, bias: bias, parameters["q_proj"])
    key = Linear(width, keyWidth, bias: bias, parameters["k_proj"])
    value = Linear(width, keyWidth, bias: bias, parameters["v_proj"])
    output = Linear(
      queryWidth, width, bias: bias, deviation: configuration.outputDeviation,
      parameters["o_proj"])
    self.rotary = rotary
    headWidth = configuration.headWidth
    self.number = number
  }

  func callAsFunction(_ x: Tensor, adding residual: Tensor, _ pass: ForwardPass) -> Tensor {
    let (batch, time) = (x.shape[0], x.shape[1])
    func heads(_ x: Tensor) -> Tensor { x.reshaped([batch, time, -1, headWidth]) }
    let parts = projections(x, query, key, value).map(heads)
    let mixed = decoderAttention(
      query: rotary(parts[0], pass), key: rotary(parts[1], pass), value: parts[2], pass,
      layer: number)
    return output(
      mixed.reshaped([batch, time, -1]), pass.dropout, layer: 3 * number + 2, adding: residual)
  }
}

struct LlamaFeedForward: Sendable {
  private let gate, up, down: Linear
  private let activation: Activation
  private let number: Int

  init(_ configuration: LlamaConfiguration, _ number: Int, _ parameters: ParameterScope) {
    let (width, hidden) = (configuration.width, configuration.hiddenWidth)
    let bias = configuration.feedForwardBias
    gate = Linear(width, hidden, bias: bias, parameters["gate_proj"])
    up = Linear(width, hidden, bias: bias, parameters["up_proj"])
    down = Linear(
      hidden, width, bias: bias, deviation: configuration.outputDeviation, parameters["down_proj"])
    activation = configuration.activation
    self.number = number
  }

  func callAsFunction(_ x: Tensor, adding residual: Tensor, _ pass: ForwardPass) -> Tensor {
    down(
      gatedProjection(x, activation, gate: gate, up: up), pass.dropout, layer: 3 * number + 3,
      adding: residual)
  }
}

extension LlamaConfiguration {
  /// Initial deviation of what adds to the residual stream.
  var outputDeviation: Float { 0.02 / Float(2 * layers).squareRoot() }
}
