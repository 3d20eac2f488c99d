import PrimerTokenizers
import TestSupport
import Testing

/// The forms in which `tokenizer.json` describes SentencePiece's byte pairs.
struct SentencePieceDocumentTests {
  private static let prepend =
    #"{"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, "# + replace + "]}"
  private static let replace =
    #"{"type": "Replace", "pattern": {"String": " "}, "content": "▁"}"#

  private static func metaspace(_ scheme: String, split: Bool = false) -> String {
    #"{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "\#(scheme)", "split": \#(split)}"#
  }

  /// `<unk>` 0, `<s>` 1, `</s>` 2, two byte tokens, ▁ 5, a 6, b 7, ▁a 8, ab 9, ▁ab 10, ▁▁ 11.
  private func load(
    normalizer: String = "null", preTokenizer: String = "null", decoder: String = "null",
    model: String = "", configuration: String? = nil, post: String = "null", bytes: Bool = false
  ) throws -> Tokenizer {
    let folder = try TemporaryFolder()
    if let configuration { _ = try folder.file("tokenizer_config.json", configuration) }
    return try Tokenizer.load(
      from: folder.file(
        "tokenizer.json",
        #"""
        {"added_tokens": [{"id": 0, "content": "<unk>", "special": true},
          {"id": 1, "content": "<s>", "special": true}, {"id": 2, "content": "</s>", "special": true}],
         "normalizer": \#(normalizer), "pre_tokenizer": \#(preTokenizer), "decoder": \#(decoder),
         "post_processor": \#(post),
         "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": \#(bytes)\#(model),
           "vocab": {"<unk>": 0, "<s>": 1, "</s>": 2, "<0x63>": 3, "<0x64>": 4, "▁": 5, "a": 6, "b": 7,
             "▁a": 8, "ab": 9, "▁ab": 10, "▁▁": 11},
           "merges": ["a b", "▁ ab", "▁ a", ["▁", "▁"]]}}
        """#))
  }

  @Test("puts the space before each stretch of text where the normaliser prepends it")
  func prepended() throws {
    let tokenizer = try load(normalizer: Self.prepend)
    #expect(try tokenizer.encode("ab a<s>ab") == [10, 8, 1, 10])
    #expect(try tokenizer.encode(" ab") == [5, 10])
    #expect(try tokenizer.encode("") == [])
  }

  @Test("puts no space before a text where spaces are only replaced")
  func replaced() throws {
    let split =
      #"{"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": false}"#
    let tokenizer = try load(normalizer: Self.replace, preTokenizer: split)
    #expect(try tokenizer.encode("ab a") == [9, 8])
    #expect(tokenizer.decode([10, 8]) == " ab a")
  }

  @Test("follows the schemes of Metaspace")
  func metaspace() throws {
    let first = try load(preTokenizer: Self.metaspace("first"))
    #expect(try first.encode("ab<s>ab") == [10, 1, 9])
    #expect(try first.encode(" ab  a") == [10, 5, 8])
    #expect(try first.encode("<s>ab") == [1, 9])
    let always = try load(preTokenizer: Self.metaspace("always"))
    #expect(try always.encode("ab<s>ab") == [10, 1, 10])
    let never = try load(preTokenizer: Self.metaspace("never"))
    #expect(try never.encode("ab") == [9])
    let split = try load(preTokenizer: Self.metaspace("always", split: true))
    #expect(try split.encode("ab  ab") == [10, 5, 10])
  }

  @Test("makes one unknown token of a run of unknown characters, or bytes where all have tokens")
  func unknown() throws {
    let tokenizer = try load(normalizer: Self.prepend)
    #expect(try tokenizer.encode("axyza") == [8, 0, 6])
  }

  @Test("drops the first space where the decoder strips it")
  func decoder() throws {
    let stripping = try load(
      normalizer: Self.prepend,
      decoder: #"""
        {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
          {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
        """#)
    #expect(stripping.decode([10, 8]) == "ab a")
    #expect(stripping.decode([1, 10, 8]) == "<s> ab a")
    #expect(stripping.decode([1, 10, 8], skippingSpecial: true) == "ab a")
  }

  private static let template = #"""
    {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
      {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
     "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
    """#

  @Test("never doubles the token that begins a text, and never leaves it out")
  func beginning() throws {
    let tokenizer = try load(normalizer: Self.replace, post: Self.template)
    #expect(try tokenizer.encode("ab", framed: true) == [1, 9])
    #expect(try tokenizer.encode("<s>ab", framed: true) == [1, 9])
    #expect(try tokenizer.encode("", framed: true) == [1])
    #expect(try tokenizer.encode(rendered: "<s>ab") == [1, 9])
    #expect(try tokenizer.encode(rendered: "ab") == [1, 9])
    #expect(try tokenizer.encode("<s>ab") == [1, 9])
    #expect(try tokenizer.encode("<s>", special: .plain, framed: true).filter { $0 == 1 } == [1])
  }

  @Test("adds and leaves out what the configuration beside the file says")
  func configuration() throws {
    let names = #""bos_token": "<s>", "eos_token": {"content": "</s>"}"#
    let with = try load(
      normalizer: Self.replace,
      configuration: "{\(names), \"add_bos_token\": true, \"add_eos_token\": true}")
    #expect(try with.encode("ab", framed: true) == [1, 9, 2])
    #expect(try with.encode("<s>ab</s>", framed: true) == [1, 9, 2])
    #expect(try with.encode(rendered: "ab") == [1, 9])
    let without = try load(
      normalizer: Self.replace, configuration: "{\(names), \"add_bos_token\": false}",
      post: Self.template)
    #expect(try without.encode("ab", framed: true) == [9])
    #expect(without.endOfText == 2 && without.endTokens == [2])
  }

  @Test("refuses forms that it cannot honour, by name")
  func unsupported() throws {
    let strip = #"{"type": "Strip", "strip_left": true, "strip_right": true}"#
    for normalizer in ["null", strip, #"{"type": "NFKC"}"#, #"{"type": "Precompiled"}"#] {
      #expect(throws: TokenizerError.self) { try load(normalizer: normalizer) }
    }
    #expect(throws: TokenizerError.self) { try load(preTokenizer: Self.metaspace("sometimes")) }
    #expect(throws: TokenizerError.self) {
      try load(normalizer: Self.replace, model: #", "ignore_merges": true"#)
    }
    #expect(throws: TokenizerError.self) {
      try load(normalizer: Self.replace, model: #", "end_of_word_suffix": "</w>""#)
    }
  }
}
