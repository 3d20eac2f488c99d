public import Foundation
public import PrimerLayers
public import PrimerTensors

/// A model that reads tokens and tells which may come next: what training and generation need of
/// any family.
public protocol LanguageModel: Sendable {
  /// `model_type` in config.json.
  static var modelType: String { get }
  /// How this family's checkpoints spell and lay out its parameters.
  static var checkpointNames: CheckpointNames { get }

  /// From a checkpoint's config.json, with parameters from `parameters`.
  init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws

  var parameters: [Parameter] { get }
  /// Rows of the output head.
  var vocabulary: Int { get }
  /// The most tokens it can look at.
  var context: Int { get }
  var shape: ModelShape { get }
  /// config.json, complete enough for `transformers`.
  var configuration: Data { get throws }

  /// The output head's weight [vocabulary, width]; an embedding's where tied.
  var head: Parameter { get }
  /// Hidden states [batch, time, width] after the last norm, for tokens int32 [batch, time].
  func hidden(_ tokens: Tensor, _ pass: ForwardPass) -> Tensor
}

/// The numbers that caches and cost formulas need.
public struct ModelShape: Sendable, Equatable {
  public let layers, width, heads, keyValueHeads, headWidth: Int
  /// Numbers in a table of learned positions, which costs no arithmetic; 0 where there is none.
  public let positionCount: Int
}

extension LanguageModel {
  /// Logits [batch, time, vocabulary].
  public func logits(_ tokens: Tensor, _ pass: ForwardPass = ForwardPass()) -> Tensor {
    linear(hidden(tokens, pass), head.tensor)
  }

  /// Logits [batch, vocabulary] of the last position alone.
  public func nextLogits(_ tokens: Tensor, _ pass: ForwardPass) -> Tensor {
    let states = hidden(tokens, pass)
    let (batch, time, width) = (states.shape[0], states.shape[1], states.shape[2])
    let last = states.sliced(axis: 1, time - 1..<time).reshaped([batch, width])
    return linear(last, head.tensor)
  }

  /// scale · Σ of the next-token losses in nats; targets int32 [batch, time], negative ones
  /// ignored.
  public func loss(
    _ tokens: Tensor, _ targets: Tensor, scale: Float, _ pass: ForwardPass = ForwardPass()
  ) -> Tensor {
    linearCrossEntropy(hidden(tokens, pass), head.tensor, targets, scale: scale)
  }

  /// Floating-point operations of training on a token of a row of `context`: 6 N + 12 L H Q T, N
  /// without positions (Chowdhery et al. 2022, arXiv 2204.02311, appendix B).
  public func operationsPerToken(context: Int) -> Double {
    let attention = shape.layers * shape.heads * shape.headWidth * context
    return 6 * Double(parameterCount - shape.positionCount) + 12 * Double(attention)
  }

  /// Numbers in all parameters.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// A fresh cache for `batch` sequences of at most `capacity` tokens.
  public func makeCache(batch: Int, capacity: Int) -> KeyValueCache {
    KeyValueCache(
      layers: shape.layers, batch: batch, capacity: capacity, keyValueHeads: shape.keyValueHeads,
      headWidth: shape.headWidth)
  }
}
