import Foundation
import PrimerCheckpoints
import PrimerTokenizers
import TestSupport
import Testing

@Suite("Tokenizers written to GGUF files")
struct GGUFTokenizerTests {
  private static let texts = [
    "a ab bb", "Ab, a. b!", "[CLS] ab [SEP]", "zz ab", "ábB 日", "", "don't 1234567 $x  \n\n y ",
  ]

  private func written(_ tokenizer: Tokenizer, padding: Int = 2) throws -> GGUFFile {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "a.gguf")
    var metadata = GGUFMetadata()
    try metadata.add(
      tokenizer, chatTemplate: nil, vocabulary: tokenizer.vocabularySize + padding, for: url)
    let writer = try GGUFWriter(url, metadata: metadata, tensors: [])
    try writer.commit()
    return try GGUFFile(url)
  }

  private func words(lowercases: Bool) throws -> Tokenizer {
    let folder = try TemporaryFolder()
    let pieces = ["[UNK]", "[CLS]", "[SEP]", "a", "b", "ab", "##b", "##bb", ".", ",", "!", "A"]
    let entries = pieces.enumerated().map { "\"\($1)\": \($0)" }.joined(separator: ", ")
    let added = (0..<3).map {
      """
      {"id": \($0), "content": "\(pieces[$0])", "single_word": false, "lstrip": false, \
      "rstrip": false, "normalized": false, "special": true}
      """
    }.joined(separator: ", ")
    let file = try folder.file(
      "tokenizer.json",
      """
      {"added_tokens": [\(added)], "normalizer": {"type": "BertNormalizer", "clean_text": true,
        "handle_chinese_chars": true, "strip_accents": null, "lowercase": \(lowercases)},
       "pre_tokenizer": {"type": "BertPreTokenizer"},
       "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[CLS]", 1]},
       "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
       "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
        "max_input_chars_per_word": 100, "vocab": {\(entries)}}}
      """)
    return try Tokenizer.load(from: file)
  }

  @Test(
    "WordPiece comes back the same, and is spelled as llama.cpp reads it", arguments: [true, false])
  func wordPiece(lowercases: Bool) throws {
    let tokenizer = try words(lowercases: lowercases)
    let file = try written(tokenizer)
    #expect(file.metadata.string("tokenizer.ggml.model") == "bert")
    #expect(file.metadata.boolean("tokenizer.ggml.normalizer.lowercase") == lowercases)
    let tokens = try #require(file.metadata.array("tokenizer.ggml.tokens")?.strings).map { $0 }
    #expect(Array(tokens[..<8]) == ["[UNK]", "[CLS]", "[SEP]", "▁a", "▁b", "▁ab", "b", "bb"])
    #expect(file.metadata.integer("tokenizer.ggml.bos_token_id") == 1)
    #expect(file.metadata.integer("tokenizer.ggml.seperator_token_id") == 2)
    let read = try file.tokenizer()
    for text in Self.texts {
      let ids = try tokenizer.encode(text, framed: true)
      #expect(try read.encode(text, framed: true) == ids, "\(text)")
      #expect(read.decode(ids) == tokenizer.decode(ids))
    }
  }

  @Test(
    "byte pairs come back with their way of cutting, where llama.cpp has a name for it",
    arguments: ["gpt-2", "smollm", "qwen2", "qwen35", "falcon", "deepseek-llm", "deepseek-v3"])
  func bytePairs(pre: String) throws {
    var description = TokenizerDescription(
      model: "gpt2",
      tokens: StringList((33...126).map { String(Unicode.Scalar(UInt8($0))) } + ["ab"]))
    description.pre = pre
    description.merges = StringList(["a b"])
    let tokenizer = try Tokenizer(description: description)
    let file = try written(tokenizer)
    #expect(file.metadata.string("tokenizer.ggml.pre") == pre)
    #expect(try file.tokenizer().splitPattern == tokenizer.splitPattern)
  }

  @Test("a way of cutting that llama.cpp has no name for is refused by name")
  func unnamed() throws {
    var random = SplitMix(state: 1)
    let folder = try TemporaryFolder()
    let ranks = (0...255).map { "\(Data([UInt8($0)]).base64EncodedString()) \($0)" }
    let file = try folder.file(
      "cl100k_base.tiktoken", ranks.shuffled(using: &random).joined(separator: "\n"))
    let tokenizer = try Tokenizer.load(from: file)
    #expect {
      try written(tokenizer)
    } throws: {
      "\($0)".contains("cl100k") && "\($0)".contains("llama.cpp has no name")
    }
  }
}
