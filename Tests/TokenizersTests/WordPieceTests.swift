import Foundation
import PrimerTokenizers
import TestSupport
import Testing

@Suite(.enabled(if: SharedData.isPresent, "the folder of shared test data is absent"))
struct WordPieceTests {
  private func kitoken(_ name: String) throws -> [(input: String, ids: [Int32])] {
    func lines(_ path: String) throws -> [Substring] {
      String(decoding: try Data(contentsOf: SharedData.file(path)), as: UTF8.self)
        .split(separator: "\n", omittingEmptySubsequences: false)
    }
    let inputs = try lines("kitoken/data/small_input.txt").map {
      $0.replacing("\\n", with: "\n").replacing("\\s", with: " ").replacing("\\x", with: "")
    }
    let expected = try lines("kitoken/data/tokenizers/small_tokens_\(name).txt")
    return zip(inputs, expected).prefix(20).map { input, line in
      (String(input), line.split { !$0.isASCII || !$0.isNumber }.compactMap { Int32($0) })
    }
  }

  @Test("encodes kitoken's inputs with BERT's cased tokenizer.json")
  func cased() throws {
    let tokenizer = try Tokenizer.load(
      from: SharedData.file("kitoken/models/tokenizers/bert_base_cased.json"))
    let folder = try TemporaryFolder()
    try tokenizer.save(to: folder.url)
    let written = try Tokenizer.load(from: folder.url)
    for (input, ids) in try kitoken("bert_base_cased") {
      #expect(try tokenizer.encode(input) == ids, "\(input.debugDescription)")
      #expect(try written.encode(input) == ids)
    }
    #expect(try tokenizer.encode("a", framed: true).first == 101)
    #expect(
      try tokenizer.encode("[CLS]a[SEP]", framed: true) == tokenizer.encode("a", framed: true))
  }

  @Test("encodes kitoken's inputs with BERT's uncased vocabulary as GGUF files spell it")
  func uncased() throws {
    let tokenizer = try Tokenizer(description: SmallVocabulary.bert())
    for (input, padded) in try kitoken("gte") {
      var ids = padded
      while ids.last == 0 { ids.removeLast() }
      #expect(try Array(tokenizer.encode(input).prefix(512)) == ids, "\(input.debugDescription)")
    }
  }

  @Test("encodes and decodes swift-transformers' text")
  func swiftTransformers() throws {
    let file = try JSONValue(
      parsing: Array(
        try Data(contentsOf: SharedData.file("swift_transformers/bert_uncased_encoded.json"))))
    let text = try #require(file["text"]?.string)
    let expected = try #require(file["token_ids"]?.array).compactMap(\.integer).map(Int32.init)
    let tokenizer = try Tokenizer(description: SmallVocabulary.bert())
    #expect(try tokenizer.encode(text, framed: true) == expected)
  }

  @Test("parts words with a space, and none before a mark that ends a sentence")
  func decoding() throws {
    let tokenizer = try Tokenizer(description: SmallVocabulary.bert())
    let ids = try tokenizer.encode("Embeddings, are fun!", framed: true)
    #expect(tokenizer.decode(ids, skippingSpecial: true) == "embeddings, are fun!")
    #expect(tokenizer.decode(ids) == "[CLS] embeddings, are fun! [SEP]")
    #expect(
      tokenizer.id(of: "##ing") != nil && tokenizer.id(of: "##ing") != tokenizer.id(of: "ing"))
  }

  @Test("takes a word of more than a hundred characters for unknown")
  func longWord() throws {
    let tokenizer = try Tokenizer(description: SmallVocabulary.bert())
    #expect(try tokenizer.encode(String(repeating: "a", count: 101)) == [100])
    #expect(try tokenizer.encode(String(repeating: "a", count: 100)) != [100])
    #expect(try tokenizer.encode("\u{378}\u{3FFFF}").allSatisfy { $0 == 100 })
  }
}
