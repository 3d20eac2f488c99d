import Foundation
import PrimerCheckpoints
import PrimerTokenizers
import TestSupport
import Testing

@Suite("Tokenizers of models that were fetched")
struct FetchedTokenizerTests {
  private static let gemma3 = FetchedModels.file("gemma-3-270m")

  private func lines(_ path: String) throws -> [String] {
    let text = try String(contentsOf: SharedData.file(path), encoding: .utf8)
    return text.split(separator: "\n").map(String.init)
  }

  @Test(
    "Gemma 3's encodes kitoken's inputs as SentencePiece does",
    .enabled(if: SharedData.isPresent && gemma3 != nil))
  func gemma() throws {
    let tokenizer = try GGUFFile(Self.gemma3!).tokenizer()
    let inputs = try lines("kitoken/data/small_input.txt").map {
      $0.replacing("\\n", with: "\n").replacing("\\s", with: " ").replacing("\\x", with: "")
    }
    let expected = try lines("kitoken/data/sentencepiece/small_tokens_gemma3.txt").map {
      $0.split(separator: ",").compactMap { Int32($0.drop { $0 == " " }) }
    }
    #expect(inputs.count == 20 && expected.count == 20)
    for (input, tokens) in zip(inputs, expected) {
      #expect(try tokenizer.encode(input) == tokens, "\(input.debugDescription)")
      #expect(tokenizer.decode(tokens) == input)
    }
  }
}
