import Foundation
import PrimerTokenizers
import TestSupport
import Testing

/// Encodings that others published, for real vocabularies.
@Suite(.enabled(if: SharedData.isPresent, "the folder of shared test data is absent"))
struct ConformanceTests {
  private static let gpt2 = Result {
    try Tokenizer.load(from: SharedData.file("kitoken/models/tokenizers/gpt2.json"))
  }
  private static let r50k = Result {
    try Tokenizer.load(from: SharedData.file("tiktoken_ranks/r50k_base.tiktoken"))
  }
  private static let cl100k = Result {
    try Tokenizer.load(from: SharedData.file("tiktoken_ranks/cl100k_base.tiktoken"))
  }

  private func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: SharedData.file(path)), as: UTF8.self)
  }

  private func numbers(_ line: some StringProtocol) -> [Int32] {
    line.split { !$0.isASCII || !$0.isNumber }.compactMap { Int32($0) }
  }

  private func lines(_ text: String) -> [String] {
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    return lines
  }

  @Test("encodes kitoken's inputs with GPT-2 and cl100k", arguments: ["gpt2", "cl100k_base"])
  func kitoken(name: String) throws {
    let tokenizer = try name == "gpt2" ? Self.gpt2.get() : Self.cl100k.get()
    let group = name == "gpt2" ? "tokenizers" : "tiktoken"
    let inputs = lines(try text("kitoken/data/small_input.txt")).map {
      $0.replacing("\\n", with: "\n").replacing("\\s", with: " ").replacing("\\x", with: "")
    }
    let expected = lines(try text("kitoken/data/\(group)/small_tokens_\(name).txt"))
    #expect(inputs.count == 20 && expected.count == 20)
    for (input, line) in zip(inputs, expected) {
      let ids = try tokenizer.encode(input)
      #expect(ids == numbers(line), "\(input.debugDescription)")
      #expect(tokenizer.decode(ids) == input)
    }
  }

  @Test("encodes tiktoken's test plans", arguments: ["r50k_base", "cl100k_base"])
  func testPlans(name: String) throws {
    let tokenizer =
      try name == "cl100k_base" ? Self.cl100k.get() : Self.r50k.get()
    var count = 0
    var sample: String?
    var current = ""
    for line in lines(try text("tiktoken_ranks/TestPlans.txt")) {
      if line.hasPrefix("EncodingName: ") { current = String(line.dropFirst(14)) }
      if line.hasPrefix("Sample: ") { sample = String(line.dropFirst(8)) }
      guard line.hasPrefix("Encoded: "), current == name, let text = sample else { continue }
      count += 1
      #expect(try tokenizer.encode(text) == numbers(line), "\(text.debugDescription)")
    }
    #expect(count > 10)
  }

  @Test("encodes llama.cpp's inputs with GPT-2")
  func llamaVectors() throws {
    let tokenizer = try Self.gpt2.get()
    let inputs = try text("ggml_vocab/ggml-vocab-gpt-2.gguf.inp")
      .components(separatedBy: "\n__ggml_vocab_test__\n")
    let expected = lines(try text("ggml_vocab/ggml-vocab-gpt-2.gguf.out"))
    #expect(inputs.count > 40)
    for (input, line) in zip(inputs, expected) {
      #expect(try tokenizer.encode(input) == numbers(line), "\(input.debugDescription)")
    }
  }

  @Test("encodes swift-transformers' text with GPT-2's two files")
  func swiftTransformers() throws {
    let tokenizer = try Tokenizer.load(
      vocabulary: SharedData.file("cs336_bpe/gpt2_vocab.json"),
      merges: SharedData.file("cs336_bpe/gpt2_merges.txt"))
    let file = try JSONValue(
      parsing: Array(
        try Data(contentsOf: SharedData.file("swift_transformers/gpt2_encoded_tokens.json"))))
    let input = try #require(file["text"]?.string)
    let ids = try tokenizer.encode(input)
    #expect(ids.map(Int.init) == file["token_ids"]?.array?.compactMap(\.integer))
    #expect(tokenizer.decode(ids) == input)
    #expect(tokenizer.endOfText == 50256)
  }

  @Test("encodes the same with a vocabulary's ranks, its merges, and what it writes of them")
  func threeFiles() throws {
    let ranks = try Self.r50k.get()
    let folder = try TemporaryFolder()
    try ranks.save(to: folder.url)
    let written = try Tokenizer.load(from: folder.url)
    let merges = try Self.gpt2.get()
    #expect(ranks.vocabularySize == 50257 && merges.vocabularySize == 50257)
    var random = SeededBytes(seed: 21)
    for sample in [
      "cs336_bpe/german.txt", "cs336_bpe/address.txt", "hf_tokenizer_fixtures/sample_text.txt",
    ] {
      let input = try text(sample) + String(decoding: random.text(500), as: UTF8.self)
      let ids = try merges.encode(input)
      #expect(try ranks.encode(input) == ids)
      #expect(try written.encode(input) == ids)
      #expect(merges.decode(ids) == input)
    }
  }
}
