public import Foundation
internal import PrimerDatasets
internal import PrimerLayers
public import PrimerModels
internal import PrimerTensors
public import PrimerTokenizers

/// How surprised a model is by a text.
public struct Perplexity: Sendable {
  /// How a text is cut, and what of it is scored.
  public enum Cutting: String, Sendable, CaseIterable {
    /// Windows without overlap, no special tokens added; every token is scored but the text's first.
    case windows
    /// As llama-perplexity does (github.com/ggml-org/llama.cpp, tools/perplexity): whole chunks alone,
    /// the token that begins texts in place of each one's first where the tokenizer adds it, and of each
    /// chunk the second half's tokens are scored.
    case llamaCpp = "llama.cpp"

    /// Tokens of a window where none are asked for; nil: the model's context.
    var usualContext: Int? { self == .llamaCpp ? 512 : nil }
  }

  /// Mean loss, nats a token.
  public let loss: Double
  /// e^loss
  public var perplexity: Double { exp(loss) }
  /// Σ nats / (ln 2 · bytes of what was scored, the text's first token included)
  public let bitsPerByte: Double
  /// Tokens predicted.
  public let examples: Int
  public let seconds: Double

  /// - Parameter context: tokens of a window; nil: the protocol's own.
  /// - Throws: `EvaluationError`, `DatasetError` and `TokenizerError`, where the text cannot be scored.
  public static func measure(
    _ model: any LanguageModel, _ tokenizer: Tokenizer, _ text: URL, _ cutting: Cutting = .windows,
    context: Int? = nil
  ) throws -> Perplexity {
    let begun = ContinuousClock.now
    let context = context ?? min(cutting.usualContext ?? model.context, model.context)
    guard context >= 4, context <= model.context else {
      throw EvaluationError.context(context, model: model.context)
    }
    var bytes: [UInt8] = []
    try TextFiles([text]).forEachPiece(pieceSize: .max / 2) { bytes += $0 }
    let sum: (loss: Double, count: Int)
    var byteCount = bytes.count
    switch cutting {
    case .windows:
      let tokens = try tokenizer.encode(bytes: bytes)
      guard tokens.count > 1 else {
        throw tokens.isEmpty
          ? DatasetError.empty(text.path)
          : EvaluationError.tooShort(text, tokens: tokens.count, needed: 2)
      }
      sum = windows(model, tokens, context)
    case .llamaCpp:
      if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
      let tokens = try tokenizer.encode(bytes: bytes, special: .plain, framed: true)
      guard tokens.count >= 2 * context else {
        throw EvaluationError.tooShort(text, tokens: tokens.count, needed: 2 * context)
      }
      let scored: [Int32]
      (scored, sum) = chunks(model, tokens, context, beginning: tokenizer.frame.before.first)
      byteCount = tokenizer.decodeBytes(scored).count
    }
    return Perplexity(
      loss: sum.loss / Double(sum.count),
      bitsPerByte: sum.loss / (log(2) * Double(byteCount)),
      examples: sum.count, seconds: (ContinuousClock.now - begun) / .seconds(1))
  }

  /// Σ of the losses of tokens 1..., in nats.
  private static func windows(
    _ model: any LanguageModel, _ tokens: [Int32], _ context: Int
  ) -> (Double, Int) {
    let context = min(context, tokens.count - 1)
    let windows = stride(from: 0, to: tokens.count - 1, by: context).map {
      $0..<min($0 + context, tokens.count - 1)
    }
    var sum = 0.0
    for group in groups(windows, context) {
      var (inputs, targets): ([Int32], [Int32]) = ([], [])
      for window in group {
        let padding = [Int32](repeating: 0, count: context - window.count)
        inputs += tokens[window] + padding
        targets += tokens[window.lowerBound + 1..<window.upperBound + 1] + padding.map { _ in -1 }
      }
      sum += loss(model, inputs, targets, rows: group.count, scored: 0..<context)
    }
    return (sum, tokens.count - 1)
  }

  /// The second halves' tokens, and Σ of their losses in nats.
  private static func chunks(
    _ model: any LanguageModel, _ tokens: [Int32], _ context: Int, beginning: Int32?
  ) -> (scored: [Int32], (Double, Int)) {
    let starts = (0..<tokens.count / context).map { $0 * context }
    let scored = context / 2..<context - 1
    var (all, sum): ([Int32], Double) = ([], 0)
    for group in groups(starts, context) {
      var (inputs, targets): ([Int32], [Int32]) = ([], [])
      for start in group {
        inputs += [beginning ?? tokens[start]] + tokens[start + 1..<start + context]
        targets += tokens[start + scored.lowerBound + 1..<start + scored.upperBound + 1]
      }
      sum += loss(model, inputs, targets, rows: group.count, scored: scored)
      all += targets
    }
    return (all, (sum, all.count))
  }

  /// As many rows at a time as make a good product.
  private static func groups<Row>(_ rows: [Row], _ context: Int) -> [ArraySlice<Row>] {
    let count = max(1, min(256, 16_384 / context))
    return stride(from: 0, to: rows.count, by: count).map {
      rows[$0..<min($0 + count, rows.count)]
    }
  }

  /// Σ of the losses of `targets` at the positions `scored` of each row.
  private static func loss(
    _ model: any LanguageModel, _ inputs: [Int32], _ targets: [Int32], rows: Int,
    scored: Range<Int>
  ) -> Double {
    withoutGradients {
      let states = model.hidden(
        Tensor(inputs, shape: [rows, inputs.count / rows]), ForwardPass())
      let loss = model.loss(
        states: states.sliced(axis: 1, scored), Tensor(targets, shape: [rows, scored.count]),
        scale: 1 / 1024)
      return Double(loss.scalar) * 1024
    }
  }
}
