import Foundation
import PrimerTokenizers
import TestSupport
import Testing

/// Files and descriptions changed at random: each loads or is refused with an error of ours, and what loads
/// encodes. `PRIMER_FUZZ_SECONDS` says how long each test goes on instead of a fixed count.
struct TokenizerFuzzTests {
  private func rounds(_ count: Int, _ body: (Int) throws -> Void) rethrows {
    let seconds = ProcessInfo.processInfo.environment["PRIMER_FUZZ_SECONDS"].flatMap(Double.init)
    guard let seconds else { return try (0..<count).forEach(body) }
    let end = ContinuousClock.now + .seconds(seconds)
    var round = 0
    while ContinuousClock.now < end {
      try body(round)
      round += 1
    }
  }

  private static let texts = [
    "", "ab <s>ab</s> 日本\n", " \u{2581}ab  12 It's [CLS]", "a\u{301}\u{0}b",
  ]

  private func use(_ tokenizer: Tokenizer, _ random: inout SeededBytes) throws {
    for text in Self.texts {
      do {
        let ids = try tokenizer.encode(text, framed: true)
        _ = tokenizer.decode(ids + [-1, .max, Int32(truncatingIfNeeded: random.next())])
      } catch is TokenizerError {}
    }
    do { _ = try tokenizer.encode(bytes: random.text(30)) } catch is TokenizerError {}
  }

  /// A value that does not belong where it is put.
  private func stranger(_ random: inout SeededBytes) -> JSONValue {
    let values: [JSONValue] = [
      .null, .bool(true), .bool(false), .number(0), .number(-1), .number(1e9), .number(1.5),
      .number(7),
      .number(2_147_483_648), .string(""), .string("a"), .string("▁"), .string("BPE"),
      .string("WordPiece"),
      .string("Unigram"), .string("WordLevel"), .string(String(repeating: "ab", count: 500)),
      .array([]),
      .object([]), .array([.string("a"), .string("b")]),
      .object([(key: "type", value: .string("Sequence"))]),
      .string("<0x0A>"), .string("\u{0}"), .string("日 本"),
    ]
    return values[Int(random.next() % UInt64(values.count))]
  }

  /// `value` with one change somewhere in it.
  private func changed(_ value: JSONValue, _ random: inout SeededBytes) -> JSONValue {
    if random.next() % 6 == 0 { return stranger(&random) }
    switch value {
    case .array(var elements) where !elements.isEmpty:
      let index = Int(random.next() % UInt64(elements.count))
      switch random.next() % 6 {
      case 0: elements.remove(at: index)
      case 1: elements.append(elements[index])
      default: elements[index] = changed(elements[index], &random)
      }
      return .array(elements)
    case .object(var members) where !members.isEmpty:
      let index = Int(random.next() % UInt64(members.count))
      switch random.next() % 8 {
      case 0: members.remove(at: index)
      case 1: members.append(members[index])
      case 2: members[index].key = "ab"
      default: members[index].value = changed(members[index].value, &random)
      }
      return .object(members)
    default: return stranger(&random)
    }
  }

  private static func documents() throws -> [JSONValue] {
    let folder = try TemporaryFolder()
    func written(_ tokenizer: Tokenizer) throws -> JSONValue {
      try tokenizer.save(to: folder.url)
      return try JSONValue(
        parsing: Array(try Data(contentsOf: folder.url.appending(path: "tokenizer.json"))))
    }
    var bytes = SmallVocabulary.bytes()
    bytes.addsBeginningOfText = true
    var pieces = TokenizerDescription(
      model: "llama",
      tokens: StringList([
        "<unk>", "<s>", "</s>", "<0x0A>", "\u{2581}", "a", "b", "ab", "\u{2581}ab",
      ]))
    pieces.scores = (0..<9).map { -Float($0) }
    pieces.tokenTypes = [2, 3, 3, 6, 1, 1, 1, 1, 1]
    var words = TokenizerDescription(
      model: "bert",
      tokens: StringList(["[UNK]", "[CLS]", "[SEP]", "\u{2581}a", "b", "\u{2581}ab", "\u{2581}."]))
    words.tokenTypes = [3, 3, 3, 1, 1, 1, 1]
    (words.unknown, words.classification, words.separator) = (0, 1, 2)
    return try [bytes, pieces, words].map { try written(Tokenizer(description: $0)) }
      + [try written(Tokenizer.characters(of: "ab \n"))]
  }

  @Test("survives a tokenizer.json with parts changed, doubled and left out")
  func files() throws {
    let documents = try Self.documents()
    let folder = try TemporaryFolder()
    var random = SeededBytes(seed: 77)
    try rounds(600) { round in
      var document = documents[round % documents.count]
      for _ in 0...random.next() % 3 { document = changed(document, &random) }
      let file = try folder.file("tokenizer.json", document.text)
      do {
        let tokenizer = try Tokenizer.load(from: file)
        try use(tokenizer, &random)
        _ = tokenizer.spelledTokens
      } catch is TokenizerError {}
    }
  }

  @Test("survives descriptions with parts changed")
  func descriptions() throws {
    var random = SeededBytes(seed: 78)
    let names = ["llama", "gpt2", "bert", "t5"]
    let pres: [String?] = ["gpt-2", "llama-bpe", "smollm", "tekken", "qwen2", nil]
    let pool = [
      "a", "b", "ab", "\u{2581}", "\u{2581}a", "<0x0A>", "<0xZZ>", "<s>", "", " ", "日", "Ġ", "Ġa",
    ]
    try rounds(600) { round in
      func pick<Element>(_ list: [Element]) -> Element {
        list[Int(random.next() % UInt64(list.count))]
      }
      var tokens = StringList()
      let count = Int(random.next() % 24)
      for index in 0..<count {
        tokens.append(Array(random.next() % 3 == 0 ? random.text(4) : Array(pick(pool).utf8)))
        _ = index
      }
      var description =
        round % 4 == 0
        ? SmallVocabulary.bytes() : TokenizerDescription(model: "gpt2", tokens: tokens)
      if round % 4 != 0 || random.next() % 4 == 0 { description.model = pick(names) }
      description.pre = pick(pres)
      let size = description.tokens.count
      if random.next() % 4 != 0 {
        description.scores = (0..<size).map { _ in
          Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
        }
      }
      if round % 4 != 0, random.next() % 2 == 0 {
        description.tokenTypes = (0..<size).map { _ in Int32(random.next() % 9) - 1 }
      }
      if random.next() % 3 != 0 {
        description.merges = StringList((0..<3).map { _ in pick(pool) + " " + pick(pool) })
      }
      func id() -> Int32? { random.next() % 2 == 0 ? nil : Int32(random.next() % 26) - 1 }
      (description.beginningOfText, description.endOfText, description.unknown) = (id(), id(), id())
      (description.separator, description.classification) = (id(), id())
      description.addsBeginningOfText = pick([true, false, nil])
      description.addsSpacePrefix = pick([true, false, nil])
      description.removesExtraSpaces = pick([true, false, nil])
      do {
        let tokenizer = try Tokenizer(description: description)
        try use(tokenizer, &random)
        let folder = try TemporaryFolder()
        try tokenizer.save(to: folder.url)
      } catch is TokenizerError {}
    }
  }
}
