import Foundation
import PrimerEvaluation
import PrimerLayers
import PrimerModels
import PrimerTensors
import PrimerTokenizers
import TestSupport
import Testing

@Suite("Perplexity")
struct PerplexityTests {
  private let folder: TemporaryFolder
  private let text: URL
  private let tokenizer = Tokenizer.characters(of: "abcdefgh ")
  private let model: LlamaModel

  init() throws {
    folder = try TemporaryFolder()
    text = try folder.file("text.txt", String(repeating: "abba cafe gab hedge fad ", count: 5))
    model = try LlamaModel(
      LlamaConfiguration(
        vocabulary: tokenizer.vocabularySize, context: 32, width: 16, layers: 1, heads: 2,
        hiddenWidth: 24), .init(seed: 5))
    for parameter in model.parameters where parameter.shape.count == 2 {
      parameter.replace(with: parameter.value * 12)
    }
  }

  /// Nats of `tokens` at the positions `scored` of a window.
  private func nats(_ tokens: [Int32], _ scored: Range<Int>) -> Double {
    let logits = logSoftmax(model.logits(Tensor(tokens, shape: [1, tokens.count])))
    let width = model.vocabulary
    return scored.reduce(0) { $0 - Double(logits.scalars[$1 * width + Int(tokens[$1 + 1])]) }
  }

  @Test("of windows scores every token but the first")
  func windows() throws {
    let result = try Perplexity.measure(model, tokenizer, text, context: 16)
    let tokens = try tokenizer.encode(String(contentsOf: text, encoding: .utf8))
    var sum = 0.0
    for start in stride(from: 0, to: tokens.count - 1, by: 16) {
      let window = Array(tokens[start..<min(start + 17, tokens.count)])
      sum += nats(window, 0..<window.count - 1)
    }
    #expect(result.examples == tokens.count - 1)
    #expect(abs(result.loss - sum / Double(tokens.count - 1)) < 1e-5)
    #expect(abs(result.perplexity - exp(result.loss)) < 1e-9)
    #expect(abs(result.bitsPerByte - sum / log(2) / 120) < 1e-5)
  }

  @Test("of llama.cpp scores the second half of whole chunks")
  func chunks() throws {
    let result = try Perplexity.measure(model, tokenizer, text, .llamaCpp, context: 16)
    let tokens = try tokenizer.encode(String(contentsOf: text, encoding: .utf8))
    #expect(tokens.count == 120)
    let sum = (0..<7).reduce(0.0) {
      $0 + nats(Array(tokens[16 * $1..<16 * $1 + 16]), 8..<15)
    }
    #expect(result.examples == 7 * 7)
    #expect(abs(result.loss - sum / 49) < 1e-5)
    #expect(abs(result.bitsPerByte - sum / log(2) / 49) < 1e-5)
  }

  @Test("is refused for a text too short, or a context that the model does not have")
  func refused() throws {
    #expect(throws: EvaluationError.tooShort(text, tokens: 120, needed: 128)) {
      try Perplexity.measure(model.longer(), tokenizer, text, .llamaCpp, context: 64)
    }
    let letter = try folder.file("letter.txt", "a")
    #expect(throws: EvaluationError.tooShort(letter, tokens: 1, needed: 2)) {
      try Perplexity.measure(model, tokenizer, letter)
    }
    #expect(throws: EvaluationError.context(64, model: 32)) {
      try Perplexity.measure(model, tokenizer, text, context: 64)
    }
    #expect(throws: EvaluationError.context(0, model: 32)) {
      try Perplexity.measure(model, tokenizer, text, .llamaCpp, context: 0)
    }
  }
}

extension LlamaModel {
  /// A model of the same family with a context of 128.
  fileprivate func longer() throws -> LlamaModel {
    try LlamaModel(
      LlamaConfiguration(
        vocabulary: vocabulary, context: 128, width: 16, layers: 1, heads: 2, hiddenWidth: 24),
      .init(seed: 5))
  }
}
