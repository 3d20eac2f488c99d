import Foundation
import PrimerTokenizers
import TestSupport
import Testing

struct TokenizerDescriptionTests {
  @Test(
    "encodes llama.cpp's inputs with its vocabularies",
    .enabled(if: SharedData.isPresent, "the folder of shared test data is absent"),
    arguments: ["gpt-2", "bert-bge"])
  func llamaVectors(name: String) throws {
    let file = SharedData.file("ggml_vocab/ggml-vocab-\(name).gguf")
    let tokenizer = try Tokenizer(description: VocabularyGGUF(file).description())
    let inputs = String(
      decoding: try Data(contentsOf: file.appendingPathExtension("inp")), as: UTF8.self
    ).components(separatedBy: "\n__ggml_vocab_test__\n")
    let expected = String(
      decoding: try Data(contentsOf: file.appendingPathExtension("out")), as: UTF8.self
    ).components(separatedBy: "\n")
    #expect(inputs.count > 40)
    for (input, line) in zip(inputs, expected) {
      #expect(
        try tokenizer.encode(input) == line.split(separator: " ").compactMap { Int32($0) },
        "\(input.debugDescription)")
    }
    let folder = try TemporaryFolder()
    try tokenizer.save(to: folder.url)
    let written = try Tokenizer.load(from: folder.url)
    for input in inputs {
      #expect(
        try written.encode(input, framed: true) == tokenizer.encode(input, framed: true))
    }
  }

  @Test("frames a text as the flags say, and by llama.cpp's defaults without them")
  func frames() throws {
    var description = SmallVocabulary.bytes()
    #expect(try Tokenizer(description: description).encode("ab", framed: true) == [256])
    description.pre = "llama-bpe"
    #expect(try Tokenizer(description: description).encode("ab", framed: true) == [258, 256])
    description.addsBeginningOfText = false
    description.addsEndOfText = true
    let tokenizer = try Tokenizer(description: description)
    #expect(try tokenizer.encode("ab", framed: true) == [256, 259])
    #expect(try tokenizer.encode("ab</s>", framed: true) == [256, 259])
    #expect(try tokenizer.encode(rendered: "<s>ab") == [258, 256])
    description.endOfText = nil
    #expect(throws: TokenizerError.self) { try Tokenizer(description: description) }
  }

  @Test("neither doubles nor forgets one token that both begins and ends texts")
  func oneForBoth() throws {
    var description = SmallVocabulary.bytes()
    description.endOfText = 258
    (description.addsBeginningOfText, description.addsEndOfText) = (true, true)
    let tokenizer = try Tokenizer(description: description)
    #expect(try tokenizer.encode("", framed: true) == [258, 258])
    #expect(try tokenizer.encode("<s>", framed: true) == [258, 258])
    #expect(try tokenizer.encode("<s>ab<s>", framed: true) == [258, 256, 258])
  }

  @Test("knows which tokens end an answer")
  func ends() throws {
    var description = SmallVocabulary.bytes()
    description.endOfTurn = 258
    #expect(try Tokenizer(description: description).endTokens == [258, 259])
  }

  @Test("refuses a way of cutting that it does not know, and lists the ones it knows")
  func refusedNames() {
    for pre in ["kimi-k2", "chameleon", "", nil] {
      var description = SmallVocabulary.bytes()
      description.pre = pre
      #expect {
        try Tokenizer(description: description)
      } throws: {
        "\($0)".contains("llama-bpe")
          && "\($0)".contains(pre.map { "\"\($0)\"" } ?? "does not name")
      }
    }
    for model in ["t5", "rwkv", ""] {
      var description = SmallVocabulary.bytes()
      description.model = model
      #expect {
        try Tokenizer(description: description)
      } throws: {
        "\($0)".contains("llama, gpt2, bert")
      }
    }
  }

  @Test("says what contradicts itself in a description")
  func contradictions() {
    let changes: [(String, (inout TokenizerDescription) -> Void)] = [
      ("types", { $0.tokenTypes?.removeLast() }),
      ("scores", { $0.scores = [1] }),
      ("end of text", { $0.endOfText = 260 }),
      ("unknown", { $0.unknown = -1 }),
      ("merges", { $0.merges = nil }),
      ("merge 2", { $0.merges = StringList(["a b", "ab c"]) }),
      ("merge 1", { $0.merges = StringList(["ab"]) }),
      ("merge 1", { $0.merges = StringList([" b"]) }),
      ("merge 1", { $0.merges = StringList(["日 b"]) }),
      ("tokens", { $0.tokens = StringList() }),
      (
        "token 1",
        {
          $0.tokens = StringList(["a", "a"]); $0.reset()
        }
      ),
      (
        "does not spell bytes",
        {
          $0.tokens = StringList(["日"]); $0.reset()
        }
      ),
    ]
    for (words, change) in changes {
      var description = SmallVocabulary.bytes()
      change(&description)
      #expect {
        try Tokenizer(description: description)
      } throws: {
        "\($0)".contains(words)
      }
    }
  }

  @Test("asks for the scores of a SentencePiece vocabulary, and that they are numbers")
  func scores() {
    var description = TokenizerDescription(
      model: "llama", tokens: StringList(["<unk>", "<s>", "</s>", "a"]))
    #expect(throws: TokenizerError.self) { try Tokenizer(description: description) }
    description.scores = [0, 0, .nan, 0]
    #expect {
      try Tokenizer(description: description)
    } throws: {
      "\($0)".contains("token 2")
    }
    description.scores = [0, 0, -.infinity, .infinity]
    #expect(throws: Never.self) { try Tokenizer(description: description).encode("aa") }
  }

  @Test("reads strings after their lengths, and refuses ones that claim more than there is")
  func lengthPrefixed() throws {
    let bytes: [UInt8] = [2, 0, 0, 0, 0, 0, 0, 0, 97, 98, 0, 0, 0, 0, 0, 0, 0, 0, 7]
    var end = 0
    let list = try #require(
      StringList(lengthPrefixed: bytes.span.bytes, count: 2, end: &end))
    #expect(list == StringList(["ab", ""]) && end == 18)
    for count in [3, -1, 1 << 40, .max] {
      #expect(StringList(lengthPrefixed: bytes.span.bytes, count: count, end: &end) == nil)
    }
    let huge: [UInt8] = [0, 0, 0, 0x80, 0, 0, 0, 0, 97, 255, 255, 255, 255, 255, 255, 255, 255]
    #expect(StringList(lengthPrefixed: huge.span.bytes, count: 1, end: &end) == nil)
  }

  @Test(
    "describes a tokenizer so that the description encodes the same",
    .enabled(if: SharedData.isPresent, "the folder of shared test data is absent"))
  func described() throws {
    let stories = try Tokenizer(description: SmallVocabulary.stories())
    let folder = try TemporaryFolder()
    try stories.save(to: folder.url)
    let tokenizers = [
      stories, try Tokenizer.load(from: folder.url),
      try Tokenizer(description: SmallVocabulary.bytes()),
      try Tokenizer(description: SmallVocabulary.bert()),
      try Tokenizer.load(from: SharedData.file("kitoken/models/tokenizers/gpt2.json")),
      try Tokenizer.load(from: SharedData.file("kitoken/models/tokenizers/bert_base_cased.json")),
    ]
    var random = SeededBytes(seed: 41)
    let texts =
      ["Once upon a time, a little girl saw ababab!", "<s>a</s> [CLS] <|endoftext|>"]
      + (0..<30).map { _ in String(decoding: random.text(30, valid: true), as: UTF8.self) }
    for tokenizer in tokenizers {
      let again = try Tokenizer(description: TokenizerDescription(of: tokenizer))
      #expect(again.vocabularySize == tokenizer.vocabularySize)
      for text in texts {
        let ids = try tokenizer.encode(text, framed: true)
        #expect(try again.encode(text, framed: true) == ids, "\(text.debugDescription)")
        #expect(again.decode(ids) == tokenizer.decode(ids))
      }
    }
    #expect(throws: TokenizerError.self) {
      try TokenizerDescription(of: Tokenizer.characters(of: "ab"))
    }
  }

  @Test("keeps the chat template of a folder, or writes the one that is given")
  func chatTemplate() throws {
    let tokenizer = try Tokenizer(description: SmallVocabulary.bytes())
    let folder = try TemporaryFolder()
    _ = try folder.file(
      "tokenizer_config.json", #"{"chat_template": "{{ \"x\\n\" }}", "other": 1}"#)
    try tokenizer.save(to: folder.url)
    let configuration = try JSONValue(
      parsing: Array(try Data(contentsOf: folder.url.appending(path: "tokenizer_config.json"))))
    #expect(configuration["chat_template"]?.string == "{{ \"x\\n\" }}")
    #expect(configuration["eos_token"]?.string == "</s>")
    try tokenizer.save(to: folder.url, chatTemplate: "{{ messages }}\n")
    let template = folder.url.appending(path: "chat_template.jinja")
    #expect(try String(contentsOf: template, encoding: .utf8) == "{{ messages }}\n")
  }
}

extension TokenizerDescription {
  /// Takes away what the number of tokens has to agree with.
  fileprivate mutating func reset() {
    tokenTypes = nil
    (beginningOfText, endOfText) = (nil, nil)
    merges = StringList()
  }
}
