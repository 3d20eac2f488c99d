import Foundation
import PrimerTokenizers
import TestSupport
import Testing

@Suite(.enabled(if: SharedData.isPresent, "the folder of shared test data is absent"))
struct SentencePieceTests {
  private static let stories = Result { try Tokenizer(description: SmallVocabulary.stories()) }

  /// Merges as the definition says: of all adjacent pairs that make a piece the one of highest score, and of
  /// those the leftmost.
  private struct Definition {
    private var scores: [String: (id: Int32, score: Float)] = [:]

    init() throws {
      let description = try SmallVocabulary.stories()
      for id in 259..<description.tokens.count {
        scores[String(decoding: description.tokens[id], as: UTF8.self)] = (
          Int32(id), description.scores![id]
        )
      }
    }

    func encode(_ text: String) -> [Int32] {
      var symbols = ("\u{2581}" + text.replacing(" ", with: "\u{2581}")).unicodeScalars.map {
        String($0)
      }
      while true {
        var best: (score: Float, at: Int)?
        for i in 0..<max(0, symbols.count - 1) {
          guard let found = scores[symbols[i] + symbols[i + 1]] else { continue }
          if best.map({ found.score > $0.score }) ?? true { best = (found.score, i) }
        }
        guard let best else { break }
        symbols[best.at] += symbols.remove(at: best.at + 1)
      }
      return symbols.flatMap { symbol in
        scores[symbol].map { [$0.id] } ?? symbol.utf8.map { Int32($0) + 3 }
      }
    }
  }

  @Test("merges by score, leftmost first, as the definition says")
  func definition() throws {
    let tokenizer = try Self.stories.get()
    let definition = try Definition()
    var random = SeededBytes(seed: 31)
    let story = String(
      decoding: try Data(
        contentsOf: SharedData.file("tinystories/tinystories_sample_cs336.txt")), as: UTF8.self)
    let words = story.split(separator: " ")
    for round in 0..<150 {
      let text =
        round % 3 == 0
        ? String(decoding: random.text(30, valid: true), as: UTF8.self)
        : (0..<12).map { _ in words[Int(random.next() % UInt64(words.count))] }
          .joined(separator: round % 3 == 1 ? " " : "")
      if text.isEmpty { continue }
      let ids = try tokenizer.encode(text, special: .plain)
      #expect(ids == definition.encode(text), "\(text.debugDescription)")
      #expect(tokenizer.decode(ids) == text.replacing("\u{2581}", with: " "))
    }
  }

  @Test("has the tokens of stories260K's reference story")
  func stories260K() throws {
    let file = SharedData.file("models/vectors/stories260K_reference.json")
    let reference = try JSONValue(parsing: Array(try Data(contentsOf: file)))
    let text = try #require(reference["expected_text"]?.string)
    let tokens = try #require(reference["tokens"]?.array).compactMap { $0.integer.map(Int32.init) }
    let tokenizer = try Self.stories.get()
    #expect(tokenizer.decode(tokens, skippingSpecial: true) == text)
    let ids = try tokenizer.encode(text, framed: true)
    #expect(Array(ids.prefix(150)) == Array(([1] + tokens.drop { $0 == 1 }).prefix(150)))
  }

  @Test("spells in bytes what the vocabulary lacks, and joins them when it streams")
  func byteFallback() throws {
    let tokenizer = try Self.stories.get()
    let ids = try tokenizer.encode("日 a")
    #expect(ids.contains(3 + 0xE6))
    var stream = StreamingDecoder(tokenizer)
    let parts = ids.map { stream.append($0) }
    #expect(parts.joined() + stream.finish() == "日 a")
    #expect(parts.allSatisfy { !$0.contains("\u{FFFD}") })
    var continued = StreamingDecoder(tokenizer, continuing: true)
    #expect(ids.map { continued.append($0) }.joined() == " 日 a")
  }

  @Test("drops the space of the prefix once, and only at the start")
  func leadingSpace() throws {
    let tokenizer = try Self.stories.get()
    for text in ["a", " a", "  a", "", " "] {
      let ids = try tokenizer.encode(text, framed: true)
      #expect(tokenizer.decode(ids, skippingSpecial: true) == text)
      var stream = StreamingDecoder(tokenizer, skippingSpecial: true)
      #expect(ids.map { stream.append($0) }.joined() + stream.finish() == text)
    }
    #expect(tokenizer.decodeBytes(try tokenizer.encode("a")) == Array(" a".utf8))
  }

  @Test("takes no text for a control token or a byte token")
  func spelledOut() throws {
    let tokenizer = try Self.stories.get()
    let ids = try tokenizer.encode("</s><0x0A><s>", special: .plain)
    #expect(!ids.contains(1) && !ids.contains(2) && !ids.contains(3 + 10))
    #expect(tokenizer.decode(ids) == "</s><0x0A><s>")
    #expect(try tokenizer.encode("a</s>").last == 2)
  }

  @Test("writes a tokenizer.json with the same tokens, merges made of its scores")
  func written() throws {
    for (prefix, removesExtra) in [(true, false), (false, false), (true, true)] {
      var description = try SmallVocabulary.stories()
      description.addsSpacePrefix = prefix
      description.removesExtraSpaces = removesExtra
      let tokenizer = try Tokenizer(description: description)
      let folder = try TemporaryFolder()
      try tokenizer.save(to: folder.url)
      let loaded = try Tokenizer.load(from: folder.url)
      #expect(loaded.frame.before == [1] && loaded.endOfText == 2 && loaded.beginningOfText == 1)
      var random = SeededBytes(seed: 8)
      for _ in 0..<60 {
        let text =
          String(decoding: random.text(25, valid: true), as: UTF8.self) + "<s>once upon a time"
        let ids = try tokenizer.encode(text, framed: true)
        #expect(try loaded.encode(text, framed: true) == ids)
        #expect(loaded.decode(ids) == tokenizer.decode(ids))
      }
      let again = try TemporaryFolder()
      try loaded.save(to: again.url)
      #expect(
        try Data(contentsOf: again.url.appending(path: "tokenizer.json"))
          == Data(contentsOf: folder.url.appending(path: "tokenizer.json")))
    }
  }

  @Test("makes one space of several, and none at the ends, where that is asked for")
  func extraSpaces() throws {
    var description = try SmallVocabulary.stories()
    description.removesExtraSpaces = true
    let tokenizer = try Tokenizer(description: description)
    for (text, clean) in [("  once   upon ", "once upon"), ("   ", ""), ("a\n  b", "a\n b")] {
      #expect(try tokenizer.decode(tokenizer.encode(text)) == clean)
    }
  }

  @Test("encodes a long word in steps that grow little faster than its length")
  func longWord() throws {
    let tokenizer = try Self.stories.get()
    let text = String(repeating: "onceupona", count: 40_000)
    #expect(tokenizer.decode(try tokenizer.encode(text)) == text)
  }

  /// A message of protocol buffers with the pieces of a description.
  private func model(
    _ description: TokenizerDescription, type: UInt8 = 2, normalization: [UInt8] = []
  ) -> [UInt8] {
    func varint(_ value: Int) -> [UInt8] {
      var (value, bytes) = (value, [UInt8]())
      while value > 127 {
        bytes.append(UInt8(value & 127 | 128))
        value >>= 7
      }
      return bytes + [UInt8(value)]
    }
    func field(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
      [tag] + varint(content.count) + content
    }
    var bytes: [UInt8] = []
    for id in 0..<description.tokens.count {
      let score = description.scores![id].bitPattern
      let bits = (0..<4).map { UInt8(truncatingIfNeeded: score >> (8 * $0)) }
      bytes += field(
        0x0A,
        field(0x0A, Array(description.tokens[id])) + [0x15] + bits
          + [0x18, UInt8(description.tokenTypes![id])])
    }
    // No normalisation, the prefix, and no spaces taken away.
    return bytes + field(0x12, [0x18, type]) + field(0x1A, normalization + [0x18, 1, 0x20, 0])
  }

  @Test("reads SentencePiece's own file where there is no tokenizer.json")
  func modelFile() throws {
    let description = try SmallVocabulary.stories()
    let folder = try TemporaryFolder()
    _ = try folder.file("tokenizer.model", model(description))
    let tokenizer = try Tokenizer.load(from: folder.url)
    let plain = try Self.stories.get()
    for text in ["Once upon a time, a little girl  saw", " \n日本", ""] {
      #expect(try tokenizer.encode(text, framed: true) == plain.encode(text, framed: true))
    }
    _ = try folder.file(
      "tokenizer_config.json", #"{"add_bos_token": false, "add_eos_token": true}"#)
    #expect(try Tokenizer.load(from: folder.url).encode("", framed: true) == [2])
  }

  @Test("refuses a Unigram model and rules of normalisation by name")
  func otherModels() throws {
    let folder = try TemporaryFolder()
    let description = try SmallVocabulary.stories()
    let unigram = try folder.file("a/tokenizer.model", model(description, type: 1))
    #expect {
      try Tokenizer.load(from: unigram)
    } throws: {
      "\($0)".contains("Unigram")
    }
    let rules = try folder.file(
      "b/tokenizer.model", model(description, normalization: [0x12, 2, 1, 1]))
    #expect {
      try Tokenizer.load(from: rules)
    } throws: {
      "\($0)".contains("normalisation")
    }
    let real = SharedData.file("hf_tokenizer_fixtures/test_sentencepiece.model")
    #expect(throws: TokenizerError.self) { try Tokenizer.load(from: real) }
  }

  @Test("survives SentencePiece's file with bytes changed or the end cut off")
  func damagedModel() throws {
    let whole = model(try SmallVocabulary.stories())
    let folder = try TemporaryFolder()
    var random = SeededBytes(seed: 12)
    for round in 0..<150 {
      var bytes = whole
      if round % 3 == 0 { bytes.removeLast(Int(random.next() % UInt64(bytes.count))) }
      for _ in 0..<4 where !bytes.isEmpty {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      let file = try folder.file("tokenizer.model", bytes)
      do { _ = try Tokenizer.load(from: file).encode("once 日") } catch is TokenizerError {}
    }
    // A piece that says it has 2 GiB.
    let huge = try folder.file("tokenizer.model", [0x0A, 0x80, 0x80, 0x80, 0x80, 0x08, 1])
    #expect(throws: TokenizerError.self) { try Tokenizer.load(from: huge) }
  }
}
