import Foundation
import PrimerFiles
import PrimerTokenizers
import TestSupport
import Testing

struct TokenizerFileTests {
  /// A `tokenizer.json` of all bytes, whose parts a test replaces.
  private static func document(
    model: String? = nil, added: String = "[]", preTokenizer: String = byteLevel,
    post: String = "null", normalizer: String = "null"
  ) throws -> String {
    let folder = try TemporaryFolder()
    try BytePairTrainer(vocabularySize: 258, specialTokens: []).train(on: ["abab cdcd"])
      .save(to: folder.url)
    let written = try String(
      contentsOf: folder.url.appending(path: "tokenizer.json"), encoding: .utf8)
    let bytePair = try #require(written.firstRange(of: "\"model\": "))
    return """
      {"added_tokens": \(added), "normalizer": \(normalizer), "pre_tokenizer": \(preTokenizer),
       "post_processor": \(post),
       "model": \(model.map { $0 + "}" } ?? String(written[bytePair.upperBound...]))
      """
  }

  private static let byteLevel =
    #"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}"#

  private func load(_ text: String) throws -> Tokenizer {
    let folder = try TemporaryFolder()
    return try Tokenizer.load(from: folder.file("tokenizer.json", text))
  }

  @Test("writes what it reads, for every pattern", arguments: SplitPattern.allCases)
  func roundTrip(pattern: SplitPattern) throws {
    let folder = try TemporaryFolder()
    let trainer = BytePairTrainer(
      vocabularySize: 300, pattern: pattern, specialTokens: ["<|endoftext|>", "<|user|>"])
    let tokenizer = try trainer.train(on: ["It's 1234 été, it's 1234 \"quoted\" \\ 日本 it's"])
    try tokenizer.save(to: folder.url)
    #expect(try folder.contents == ["tokenizer.json", "tokenizer_config.json"])
    let loaded = try Tokenizer.load(from: folder.url)
    let text = "It's 12345  Été<|user|>\n\n 日本 camelCase'S<|endoftext|>"
    #expect(try loaded.encode(text) == tokenizer.encode(text))
    #expect(loaded.endOfText == tokenizer.endOfText)
    #expect(loaded.addedTokens == tokenizer.addedTokens)
    #expect(loaded.spelledMerges == tokenizer.spelledMerges)
    let again = try TemporaryFolder()
    try loaded.save(to: again.url)
    #expect(
      try Data(contentsOf: again.url.appending(path: "tokenizer.json"))
        == Data(contentsOf: folder.url.appending(path: "tokenizer.json")))
  }

  @Test("finds special tokens in a text only when asked to")
  func special() throws {
    let added = #"[{"id": 300, "content": "<|end|>", "special": true, "normalized": false}]"#
    let tokenizer = try load(Self.document(added: added))
    #expect(tokenizer.vocabularySize == 301)
    #expect(try tokenizer.encode("<|end|><|end|>") == [300, 300])
    let plain = try tokenizer.encode("<|end|>", special: .plain)
    #expect(!plain.contains(300))
    #expect(tokenizer.decode(plain) == "<|end|>")
    #expect(tokenizer.decode([300]) == "<|end|>")
    #expect(tokenizer.decode([300], skippingSpecial: true) == "")
    #expect(tokenizer.isSpecial(300) && !tokenizer.isSpecial(0) && !tokenizer.isSpecial(-1))
  }

  @Test("takes the longest of the added tokens that begin at one place, and its white space")
  func overlapping() throws {
    let added = #"""
      [{"id": 300, "content": "<a", "special": true},
       {"id": 301, "content": "<a>", "special": true, "lstrip": true, "rstrip": true},
       {"id": 302, "content": "cat", "special": false, "single_word": true, "normalized": true}]
      """#
    let tokenizer = try load(Self.document(added: added))
    #expect(try tokenizer.encode("<a>") == [301])
    #expect(try tokenizer.encode("<a<a>") == [300, 301])
    #expect(try tokenizer.encode(" \n<a>\u{3000} ") == [301])
    #expect(try tokenizer.encode("cat", special: .plain) == [302])
    #expect(try tokenizer.encode("_cat")[0] != 302)
    #expect(try !tokenizer.encode("cats").contains(302))
    #expect(try tokenizer.encode("!cat!").contains(302))
  }

  @Test("frames a text as the file's template says")
  func template() throws {
    let post = #"""
      {"type": "TemplateProcessing",
       "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                  {"SpecialToken": {"id": "</s>", "type_id": 0}}],
       "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [300], "tokens": ["<s>"]},
       "</s>": {"id": "</s>", "ids": [301], "tokens": ["</s>"]}}}
      """#
    let added =
      #"[{"id": 300, "content": "<s>", "special": true}, {"id": 301, "content": "</s>", "special": true}]"#
    let tokenizer = try load(Self.document(added: added, post: post))
    let plain = try tokenizer.encode("ab")
    #expect(try tokenizer.encode("ab", framed: true) == [300] + plain + [301])
    let folder = try TemporaryFolder()
    try tokenizer.save(to: folder.url)
    let loaded = try Tokenizer.load(from: folder.url)
    #expect(try loaded.encode("ab", framed: true) == [300] + plain + [301])
    #expect(loaded.endOfText == 301 && loaded.beginningOfText == 300)
  }

  @Test("composes characters and leads with a space where the file asks for it")
  func normalised() throws {
    let composed = try load(Self.document(normalizer: #"{"type": "NFC"}"#))
    #expect(try composed.decode(composed.encode("e\u{301}")).unicodeScalars.count == 1)
    let led = try load(
      Self.document(
        preTokenizer: Self.byteLevel.replacing(
          "\"add_prefix_space\": false", with: "\"add_prefix_space\": true")))
    #expect(try led.decode(led.encode("ab")) == " ab")
    #expect(try led.decode(led.encode(" ab")) == " ab")
  }

  @Test(
    "says what is wrong with a file instead of crashing",
    arguments: [
      "", "{", "[]", "null", "{}", #"{"model": 1}"#,
      "{\"model\": {\"type\": \"BPE\", \"vocab\": {}}}",
      "{\"a\": \"\\ud800\"}", "{\"a\": \"\u{1}\"}", "{\"a\": 1e}", "nul", "{\"a\" 1}", "[1,]",
      "[1 2]",
      "\"open", "\"\\x\"", "\"\\u12g4\"", "{} {}", String(repeating: "[", count: 10_000),
    ])
  func malformed(text: String) {
    #expect(throws: TokenizerError.self) { try load(text) }
  }

  @Test("refuses parts of a file that it cannot honour, by name")
  func unsupported() throws {
    let bad = [
      try Self.document(preTokenizer: #"{"type": "Metaspace"}"#),
      try Self.document(preTokenizer: "null"),
      try Self.document(
        preTokenizer:
          #"{"type": "Split", "pattern": {"Regex": "\\w+"}, "behavior": "Isolated", "invert": false}"#
      ),
      try Self.document(normalizer: #"{"type": "Lowercase"}"#),
      try Self.document(post: #"{"type": "Unheard"}"#),
      try Self.document(model: #"{"type": "Unigram", "vocab": {"a": 0}}"#),
      try Self.document(model: #"{"type": "BPE", "vocab": {"a": -1}, "merges": []}"#),
      try Self.document(model: #"{"type": "BPE", "vocab": {"a": 1e18}, "merges": []}"#),
      try Self.document(model: #"{"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}"#),
      try Self.document(model: #"{"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}"#),
      try Self.document(model: #"{"type": "BPE", "vocab": {"a": 0}, "merges": [["a"]]}"#),
      try Self.document(model: #"{"type": "BPE", "vocab": {"日": 0}, "merges": []}"#),
      try Self.document(added: #"[{"id": "x", "content": "y"}]"#),
      try Self.document(added: #"[{"id": 1}]"#),
    ]
    for text in bad {
      #expect(throws: TokenizerError.self, "\(text.prefix(300))") { try load(text) }
    }
  }

  @Test("survives a file with any one byte changed or the end cut off")
  func damaged() throws {
    let whole = Array(
      #"{"added_tokens": [{"id": 3, "content": "<s>", "special": true}], "pre_tokenizer": \#(Self.byteLevel), "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}"#
        .utf8)
    let folder = try TemporaryFolder()
    var random = SeededBytes(seed: 2)
    for round in 0..<400 {
      var bytes = whole
      if round % 4 == 0 {
        bytes.removeLast(Int(random.next() % UInt64(bytes.count)))
      } else {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      let file = try folder.file("tokenizer.json", bytes)
      // Whatever it is, it loads or throws an error of ours.
      do { _ = try Tokenizer.load(from: file).encode("a") } catch is TokenizerError {}
    }
  }

  @Test("says so when a byte has no token")
  func missingByte() throws {
    let tokenizer = try load(
      Self.document(
        model: #"{"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}"#))
    #expect(try tokenizer.encode("abab") == [2, 2])
    #expect(throws: TokenizerError.unknownCharacter("the byte 0x63", offset: 1)) {
      try tokenizer.encode("ac")
    }
  }

  @Test("reads ranks in base 64, and names a line that is none")
  func ranks() throws {
    let folder = try TemporaryFolder()
    var lines = (0..<256).map { "\(Data([UInt8($0)]).base64EncodedString()) \($0)" }
    lines += ["YWI= 256", "YWJj 257"]
    let good = try folder.file("own.tiktoken", lines.joined(separator: "\n"))
    let tokenizer = try Tokenizer.load(ranks: good, pattern: .cl100k)
    #expect(try tokenizer.encode("abcab") == [257, 256])
    #expect(throws: TokenizerError.self) { try Tokenizer.load(from: good) }
    let bad = try folder.file("cl100k_base.tiktoken", "YWI= 0\n!!! 1\n")
    #expect {
      try Tokenizer.load(from: bad)
    } throws: {
      "\($0)".contains("line 2")
    }
    let empty = try folder.file("r50k_base.tiktoken", "")
    #expect(throws: TokenizerError.self) { try Tokenizer.load(from: empty) }
  }

  @Test("says where a tokenizer was looked for in vain")
  func missing() throws {
    let folder = try TemporaryFolder()
    #expect(throws: TokenizerError.missing(path: folder.url.path)) {
      try Tokenizer.load(from: folder.url)
    }
    let file = folder.url.appending(path: "tokenizer.json")
    #expect(throws: TokenizerError.missing(path: file.path)) { try Tokenizer.load(from: file) }
  }

  @Test("says so when a folder cannot be made or written")
  func unwritable() throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("taken", "")
    func failure(_ write: () throws -> Void) throws -> FileError {
      try #require(#expect(throws: FileError.self, performing: write))
    }
    let inside = file.appending(path: "inside")
    let made = try failure { try Tokenizer.characters(of: "a").save(to: inside) }
    #expect("\(made)".hasPrefix("\(inside.path): cannot create: ") && made.exitCode == 73)
    let absent = folder.url.appending(path: "absent/file.json")
    let written = try failure { try Tokenizer.characters(of: "a").save(file: absent) }
    #expect("\(written)".hasPrefix("\(absent.path): cannot create: ") && written.exitCode == 73)
  }
}
