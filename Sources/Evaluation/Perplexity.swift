public import Foundation
internal import PrimerDatasets
internal import PrimerLayers
public import PrimerModels
internal import PrimerTensors
public import PrimerTokenizers

/// How surprised a model is by a text.
public struct Perplexity: Sendable {
  /// Mean loss, nats a token.
  public let loss: Double
  /// e^loss
  public var perplexity: Double { exp(loss) }
  /// Σ nats / (ln 2 · bytes of the text)
  public let bitsPerByte: Double
  /// Tokens predicted.
  public let examples: Int
  public let seconds: Double

  /// Reads the text whole, in windows of the model's context without overlap, no special tokens
  /// added. The first token of a text is not predicted; every other one is, once.
  public static func measure(
    _ model: any LanguageModel, _ tokenizer: Tokenizer, _ text: URL
  ) throws -> Perplexity {
    let begun = ContinuousClock.now
    var tokens: [Int32] = []
    var byteCount = 0
    try TextFiles([text]).forEachPiece(pieceSize: .max / 2) { piece in
      tokens += try tokenizer.encode(bytes: piece)
      byteCount += piece.count
    }
    guard tokens.count > 1 else { throw DatasetError.empty(text.path) }
    let sum = losses(model, tokens)
    let seconds = (ContinuousClock.now - begun) / .seconds(1)
    return Perplexity(
      loss: sum / Double(tokens.count - 1), bitsPerByte: sum / (log(2) * Double(byteCount)),
      examples: tokens.count - 1, seconds: seconds)
  }

  /// Σ of the losses of tokens 1..., in nats.
  private static func losses(_ model: any LanguageModel, _ tokens: [Int32]) -> Double {
    let context = model.context
    let windows = stride(from: 0, to: tokens.count - 1, by: context).map {
      $0..<min($0 + context, tokens.count - 1)
    }
    let rows = max(1, min(256, 16_384 / context))
    var sum = 0.0
    for start in stride(from: 0, to: windows.count, by: rows) {
      let group = windows[start..<min(start + rows, windows.count)]
      var (inputs, targets): ([Int32], [Int32]) = ([], [])
      for window in group {
        let padding = [Int32](repeating: 0, count: context - window.count)
        inputs += tokens[window] + padding
        targets += tokens[window.lowerBound + 1..<window.upperBound + 1] + padding.map { _ in -1 }
      }
      let shape = [group.count, context]
      let loss = withoutGradients {
        model.loss(Tensor(inputs, shape: shape), Tensor(targets, shape: shape), scale: 1 / 1024)
      }
      sum += Double(loss.scalar) * 1024
    }
    return sum
  }
}
