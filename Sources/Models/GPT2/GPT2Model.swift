public import Foundation
public import PrimerLayers
public import PrimerTensors

/// GPT-2: x += attention(norm(x)); x += feedForward(norm(x)).
public struct GPT2Model: LanguageModel {
  public static let modelType = "gpt2"
  public static let checkpointNames = CheckpointNames.gpt2

  let tokens, positions: Embedding
  let blocks: BlockStack<GPT2Block>
  let norm: LayerNorm
  public let parameters: [Parameter]
  private let settings: GPT2Configuration

  public init(_ configuration: GPT2Configuration, _ root: ParameterScope) throws {
    let scope = root["transformer"]
    tokens = Embedding(configuration.vocabulary, configuration.width, scope["wte"])
    positions = Embedding(configuration.context, configuration.width, scope["wpe"])
    blocks = try BlockStack(configuration.layers, scope["h"]) { GPT2Block(configuration, $0, $1) }
    norm = LayerNorm(configuration.width, epsilon: configuration.normEpsilon, scope["ln_f"])
    parameters = try root.finish()
    settings = configuration
  }

  public init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws {
    try self.init(GPT2Configuration(json: configuration, from: url), parameters)
  }

  public var head: Parameter { tokens.weight }
  public var configuration: Data { get throws { try settings.json } }
  public var shape: ModelShape {
    ModelShape(
      vocabulary: settings.vocabulary, context: settings.context, layers: settings.layers,
      width: settings.width, heads: settings.heads,
      keyValueHeads: settings.heads, headWidth: settings.headWidth,
      positionCount: settings.context * settings.width)
  }

  public func hidden(_ ids: Tensor, _ pass: ForwardPass) -> Tensor {
    let (batch, time) = (ids.shape[0], ids.shape[1])
    let places =
      pass.cached?.rows.positions.reshaped([batch, time])
      ?? Tensor((0..<Int32(time)).map { $0 }, shape: [time])
    let x = tokens(ids) + positions(places)
    return norm(blocks(dropout(x, pass.dropout, layer: 0), pass))
  }
}

struct GPT2Block: ResidualBlock {
  private let attentionNorm, feedForwardNorm: LayerNorm
  private let attention: GPT2Attention
  private let feedForward: GPT2FeedForward

  init(_ configuration: GPT2Configuration, _ number: Int, _ parameters: ParameterScope) {
    let (width, epsilon) = (configuration.width, configuration.normEpsilon)
    attentionNorm = LayerNorm(width, epsilon: epsilon, parameters["ln_1"])
    attention = GPT2Attention(configuration, number, parameters["attn"])
    feedForwardNorm = LayerNorm(width, epsilon: epsilon, parameters["ln_2"])
    feedForward = GPT2FeedForward(configuration, number, parameters["mlp"])
  }

  func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
    let y = attention(attentionNorm(x), adding: x, pass)
    return feedForward(feedForwardNorm(y), adding: y, pass)
  }
}

struct GPT2Attention: Sendable {
  private let queryKeyValue, output: Linear
  private let heads, number: Int

  init(_ configuration: GPT2Configuration, _ number: Int, _ parameters: ParameterScope) {
    let width = configuration.width
    queryKeyValue = Linear(width, 3 * width, bias: true, parameters["c_attn"])
    output = Linear(
      width, width, bias: true, deviation: configuration.outputDeviation, parameters["c_proj"])
    heads = configuration.heads
    self.number = number
  }

  func callAsFunction(_ x: Tensor, adding residual: Tensor, _ pass: ForwardPass) -> Tensor {
    let mixed = selfAttention(
      packed: queryKeyValue(x), heads: heads, keyValueHeads: heads, pass, layer: number)
    return output(mixed, pass.dropout, layer: 3 * number + 2, adding: residual)
  }
}

struct GPT2FeedForward: Sendable {
  private let up, down: Linear
  private let activation: Activation
  private let number: Int

  init(_ configuration: GPT2Configuration, _ number: Int, _ parameters: ParameterScope) {
    let (width, hidden) = (configuration.width, configuration.hiddenWidth)
    up = Linear(width, hidden, bias: true, parameters["c_fc"])
    down = Linear(
      hidden, width, bias: true, deviation: configuration.outputDeviation, parameters["c_proj"])
    activation = configuration.activation
    self.number = number
  }

  func callAsFunction(_ x: Tensor, adding residual: Tensor, _ pass: ForwardPass) -> Tensor {
    down(up(x, activation), pass.dropout, layer: 3 * number + 3, adding: residual)
  }
}

extension GPT2Configuration {
  /// Initial deviation of what adds to the residual stream (training grows it with every layer).
  var outputDeviation: Float { 0.02 / Float(2 * layers).squareRoot() }
}
