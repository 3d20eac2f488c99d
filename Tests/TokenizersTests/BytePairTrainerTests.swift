import Foundation
import PrimerTokenizers
import TestSupport
import Testing

struct BytePairTrainerTests {
  @Test("learns the merges of the CS336 reference", .enabled(if: SharedData.isPresent))
  func reference() throws {
    let corpus = Array(try Data(contentsOf: SharedData.file("cs336_bpe/corpus.en")))
    let tokenizer = try BytePairTrainer(vocabularySize: 500).train(on: [corpus], threads: 2)
    let reference = try String(
      contentsOf: SharedData.file("cs336_bpe/train-bpe-reference-merges.txt"), encoding: .utf8)
    #expect(tokenizer.spelledMerges == reference.split(separator: "\n").map(String.init))
    let vocabulary = try JSONValue(
      parsing: Array(
        try Data(contentsOf: SharedData.file("cs336_bpe/train-bpe-reference-vocab.json"))))
    #expect(
      Set(try #require(vocabulary.members).map(\.key))
        == Set(tokenizer.spelledTokens + ["<|endoftext|>"]))
  }

  @Test("counts pairs anew after each merge, as the definition does")
  func definition() throws {
    // low ×5, lower ×2, widest ×3, newest ×6: the example of Sennrich et al.; ties go to the later pair.
    let text =
      String(repeating: "low ", count: 5) + String(repeating: "lower ", count: 2)
      + String(repeating: "widest ", count: 3) + String(repeating: "newest ", count: 6)
    let lines = text.replacing(" ", with: "\n")
    let tokenizer = try BytePairTrainer(vocabularySize: 263).train(on: [lines])
    #expect(tokenizer.spelledMerges == ["s t", "e st", "o w", "l ow", "w est", "n e"])
  }

  @Test("learns the same whatever the threads and the order of texts")
  func threads() throws {
    var random = SeededBytes(seed: 5)
    let texts = (0..<6).map { _ in random.text(15_000, valid: true) }
    let trainer = BytePairTrainer(vocabularySize: 400)
    let one = try trainer.train(on: texts, threads: 1).spelledMerges
    #expect(try trainer.train(on: texts.reversed(), threads: 3).spelledMerges == one)
    #expect(one.count == 143)
  }

  @Test("counts the same words when a text is cut for threads", arguments: SplitPattern.allCases)
  func cuts(pattern: SplitPattern) throws {
    var random = SeededBytes(seed: 9)
    let text = random.text(60_000)
    let trainer = BytePairTrainer(vocabularySize: 300, pattern: pattern, specialTokens: [])
    let whole = try trainer.train(on: [text], threads: 1).spelledMerges
    #expect(try trainer.train(on: [text], threads: 4).spelledMerges == whole)
  }

  @Test("never learns across or inside a special token")
  func special() throws {
    let text = String(repeating: "xy<|endoftext|>xy<|endoftext|>", count: 50)
    let tokenizer = try BytePairTrainer(vocabularySize: 400).train(on: [text])
    #expect(tokenizer.spelledMerges == ["x y"])
    #expect(tokenizer.vocabularySize == 258)
    #expect(tokenizer.endOfText == 257)
    #expect(try tokenizer.encode("xy<|endoftext|>xy") == [256, 257, 256])
  }

  @Test("says what is wrong with an empty text and with a vocabulary too small or too large")
  func problems() {
    #expect(throws: TokenizerError.self) {
      try BytePairTrainer(vocabularySize: 300).train(on: [""])
    }
    #expect(throws: TokenizerError.self) {
      try BytePairTrainer(vocabularySize: 256).train(on: ["text"])
    }
    #expect(throws: TokenizerError.self) {
      try BytePairTrainer(vocabularySize: 1 << 40).train(on: ["text"])
    }
  }

  @Test("learns from bytes that are not UTF-8")
  func invalidBytes() throws {
    let tokenizer = try BytePairTrainer(vocabularySize: 258).train(on: [[0xFF, 0xFE, 0xFF, 0xFE]])
    #expect(try tokenizer.encode(bytes: [0xFF, 0xFE]).count == 1)
  }
}
