public import Foundation
public import PrimerLayers
public import PrimerTensors

/// A model that reads tokens and tells which may come next: what training and generation need of
/// any family.
public protocol LanguageModel: Sendable {
  /// `model_type` in config.json.
  static var modelType: String { get }
  /// Other names that config.json may have for it.
  static var otherModelTypes: [String] { get }
  /// How this family's checkpoints spell and lay out its parameters.
  static var checkpointNames: CheckpointNames { get }

  /// From a checkpoint's config.json, with parameters from `parameters`.
  init(configuration: Data, from url: URL, _ parameters: ParameterScope) throws

  var parameters: [Parameter] { get }
  var shape: ModelShape { get }
  /// How the rows of its query and key weights are ordered; `halves` in Hugging Face layout.
  var rotaryLayout: RotaryTable.Layout { get }
  /// config.json, complete enough for `transformers`.
  var configuration: Data { get throws }

  /// c·tanh(logit / c) of every logit (Gemma 2); nil: none.
  var logitCap: Float? { get }
  /// The output head's weight [vocabulary, width]; an embedding's where tied.
  var head: Parameter { get }
  /// Hidden states [batch, time, width] after the last norm, for tokens int32 [batch, time]. The
  /// caller advances the pass's cached sequences.
  func hidden(_ tokens: Tensor, _ pass: ForwardPass) -> Tensor
}

/// The numbers that caches and cost formulas need.
public struct ModelShape: Sendable, Equatable {
  /// Rows of the output head.
  public let vocabulary: Int
  /// The most tokens it can look at.
  public let context: Int
  public let layers, width, heads, keyValueHeads, headWidth: Int
  /// Numbers in a table of learned positions, which costs no arithmetic; 0 where there is none.
  public let positionCount: Int
}

extension ModelShape {
  init(_ decoder: DecoderShape) {
    self.init(
      vocabulary: decoder.vocabulary, context: decoder.context, layers: decoder.layers,
      width: decoder.width, heads: decoder.heads, keyValueHeads: decoder.keyValueHeads,
      headWidth: decoder.headWidth, positionCount: 0)
  }
}

/// What a model is built from, as config.json spells it.
protocol ModelConfiguration: Sendable {
  init(json: Data, from url: URL) throws
  var json: Data { get throws }
}

extension LanguageModel {
  public static var otherModelTypes: [String] { [] }
  public var logitCap: Float? { nil }
  public var rotaryLayout: RotaryTable.Layout { .halves }
  public var vocabulary: Int { shape.vocabulary }
  public var context: Int { shape.context }

  /// Logits [batch, time, vocabulary].
  public func logits(_ tokens: Tensor, _ pass: ForwardPass = ForwardPass()) -> Tensor {
    let states = hidden(tokens, pass)
    pass.cached?.advance()
    return scores(states)
  }

  /// Logits [batch, vocabulary] of the last position of each row, or of each cached sequence.
  public func nextLogits(_ tokens: Tensor, _ pass: ForwardPass = ForwardPass()) -> Tensor {
    let states = hidden(tokens, pass)
    pass.cached?.advance()
    let (batch, time, width) = (states.shape[0], states.shape[1], states.shape[2])
    guard let cached = pass.cached else {
      return scores(states.sliced(axis: 1, time - 1..<time).reshaped([batch, width]))
    }
    let rows = states.reshaped([batch * time, width])
    let last = cached.lastRows
    guard last.count < batch * time else { return scores(rows) }
    return scores(embedding(rows, Tensor(last, shape: [last.count])))
  }

  /// Logits of hidden states [.., width].
  public func scores(_ states: Tensor) -> Tensor {
    let logits = linear(states, head.tensor)
    guard let cap = logitCap else { return logits }
    return Activation.tanh(logits / cap).scaled(by: cap, plus: 0)
  }

  /// scale · Σ of the next-token losses in nats; targets int32 [batch, time], negative ones
  /// ignored.
  public func loss(
    _ tokens: Tensor, _ targets: Tensor, scale: Float, _ pass: ForwardPass = ForwardPass()
  ) -> Tensor {
    loss(states: hidden(tokens, pass), targets, scale: scale)
  }

  /// `loss` of hidden states [batch, time, width].
  public func loss(states: Tensor, _ targets: Tensor, scale: Float) -> Tensor {
    guard head.value.elementType != .float32 else {
      return linearCrossEntropy(
        states, head.tensor, targets, scale: scale, softCap: logitCap ?? 0)
    }
    // A stored head is not trained: a few rows at a time need no more than their logits.
    let (rows, all) = (states.reshaped([targets.count, -1]), targets.reshaped([targets.count]))
    return stride(from: 0, to: targets.count, by: 256).map { start in
      let part = start..<min(start + 256, targets.count)
      return crossEntropy(
        scores(rows.sliced(axis: 0, part)), all.sliced(axis: 0, part), scale: scale)
    }.reduce(Tensor(repeating: 0, shape: [])) { $0 + $1 }
  }

  /// Floating-point operations of training on a token of a row of `context`: 6 N + 12 L H Q T, N
  /// without positions (Chowdhery et al. 2022, arXiv 2204.02311, appendix B).
  public func operationsPerToken(context: Int) -> Double {
    let attention = shape.layers * shape.heads * shape.headWidth * context
    return 6 * Double(parameterCount - shape.positionCount) + 12 * Double(attention)
  }

  /// Numbers in all parameters.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// Bytes of all parameters, as they are stored.
  public var parameterByteCount: Int {
    parameters.reduce(0) { $0 + $1.value.elementType.byteCount(of: $1.count) }
  }

  /// A fresh cache with room for `sequences` texts of at most `capacity` tokens each.
  public func makeCache(
    sequences: Int = 1, capacity: Int, element: CacheElement = .float16
  ) -> KeyValueCache {
    KeyValueCache(
      layers: shape.layers,
      pages: sequences * ((capacity + CachePages.tokens - 1) / CachePages.tokens),
      keyValueHeads: shape.keyValueHeads, headWidth: shape.headWidth, element: element,
      longestText: capacity)
  }
}
