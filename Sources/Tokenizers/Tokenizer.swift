import Synchronization

/// Whether the spelling of a special token in a text stands for that token.
public enum SpecialTokenHandling: Sendable {
  /// "<|endoftext|>" is one token: for texts that the program wrote.
  case recognised
  /// "<|endoftext|>" is plain text: for what others wrote.
  case plain
}

/// Turns text into tokens and back: a vocabulary, how a text is cut, and special tokens.
///
/// Any bytes can be encoded by a byte-level tokenizer and come back as they were: a byte that is
/// not part of well-formed UTF-8 is taken as a symbol. (Only where a file asks for Unicode
/// normalisation are invalid bytes replaced by U+FFFD first.) A character tokenizer throws on what
/// its vocabulary lacks.
public struct Tokenizer: Sendable {
  let model: TokenModel
  let normalization: Normalization
  /// Each stretch of text is led by a space, if it does not begin with one.
  let addsLeadingSpace: Bool
  /// All added tokens, by number.
  public let addedTokens: [AddedToken]
  /// Tokens before and after a framed text.
  public let frame: (before: [Int32], after: [Int32])
  /// Ends a document; nil where the vocabulary has none.
  public let endOfText: Int32?
  /// Begins a document; nil where the vocabulary has none.
  public let beginningOfText: Int32?

  /// Added tokens found in the text as it is, and in the normalised text; with special ones and
  /// without.
  private let finders: (raw: AddedTokenFinder, normalized: AddedTokenFinder)
  private let plainFinders: (raw: AddedTokenFinder, normalized: AddedTokenFinder)
  private let decoding: DecodingTable
  private let scratches = ScratchPool()

  init(
    model: TokenModel, addedTokens: [AddedToken] = [], normalization: Normalization = .none,
    addsLeadingSpace: Bool = false, frame: (before: [Int32], after: [Int32]) = ([], []),
    endOfText: String? = nil, beginningOfText: String? = nil
  ) {
    self.model = model
    self.addedTokens = addedTokens.sorted { $0.id < $1.id }
    self.normalization = normalization
    self.addsLeadingSpace = addsLeadingSpace
    self.frame = frame
    func finder(_ isIn: (AddedToken) -> Bool) -> AddedTokenFinder {
      AddedTokenFinder(addedTokens.filter(isIn))
    }
    finders = (finder { !$0.normalized }, finder { $0.normalized })
    plainFinders = (
      finder { !$0.normalized && !$0.special }, finder { $0.normalized && !$0.special }
    )
    decoding = DecodingTable(model.vocabulary, addedTokens)
    func number(_ named: String?, _ usual: [String]) -> Int32? {
      let candidates = named.map { [$0] } ?? usual
      for content in candidates {
        let found = addedTokens.first { $0.content.utf8.elementsEqual(content.utf8) }
        if let found, named != nil || found.special { return found.id }
        if named != nil { return model.vocabulary.id(of: content.utf8) }
      }
      return nil
    }
    self.endOfText = number(
      endOfText,
      ["<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|eot_id|>", "<|im_end|>"])
    self.beginningOfText = number(
      beginningOfText, ["<|begin_of_text|>", "<s>", "<bos>", "<|bos|>"])
  }

  /// How many tokens a model over this vocabulary needs: the highest number and one.
  public var vocabularySize: Int {
    max(model.vocabulary.count, Int(addedTokens.last?.id ?? -1) + 1)
  }

  /// The tokens of a text. `framed` adds the ones that the tokenizer puts around a text.
  ///
  /// Throws `TokenizerError.unknownCharacter` where the vocabulary does not cover the text.
  public func encode(
    _ text: String, special: SpecialTokenHandling = .recognised, framed: Bool = false
  ) throws -> [Int32] {
    var text = text
    return try text.withUTF8 { try encode($0.span, special, framed) }
  }

  /// The tokens of bytes, UTF-8 or not.
  public func encode(
    bytes: [UInt8], special: SpecialTokenHandling = .recognised, framed: Bool = false
  ) throws -> [Int32] {
    try encode(bytes.span, special, framed)
  }

  /// The tokens of each text, in order, worked out by `threads` threads.
  public func encode(
    documents: [String], special: SpecialTokenHandling = .recognised, framed: Bool = false,
    threads: Int
  ) throws -> [[Int32]] {
    try inParallel(documents.count, threads: threads) {
      try encode(documents[$0], special: special, framed: framed)
    }
  }

  /// The text of tokens. What is not UTF-8 becomes U+FFFD.
  public func decode(_ ids: [Int32], skippingSpecial: Bool = false) -> String {
    String(decoding: decodeBytes(ids, skippingSpecial: skippingSpecial), as: UTF8.self)
  }

  /// The bytes of tokens. A number outside the vocabulary (models are often wider) has none.
  public func decodeBytes(_ ids: [Int32], skippingSpecial: Bool = false) -> [UInt8] {
    decoding.bytes(of: ids, skippingSpecial: skippingSpecial)
  }

  /// The number of a token that is spelled so: an added token, or else the bytes of one of the
  /// vocabulary.
  public func id(of token: String) -> Int32? {
    addedTokens.first { $0.content.utf8.elementsEqual(token.utf8) }?.id
      ?? model.vocabulary.id(of: token.utf8)
  }

  /// Whether a token steers the model instead of standing for text.
  public func isSpecial(_ id: Int32) -> Bool { decoding.isSpecial(id) }

  private func encode(
    _ text: Span<UInt8>, _ special: SpecialTokenHandling, _ framed: Bool
  ) throws -> [Int32] {
    let finders = special == .recognised ? finders : plainFinders
    var ids = framed ? frame.before : []
    try stretches(of: text, 0, text.count, finders.raw) { stretch in
      switch stretch {
      case .token(let id): ids.append(id)
      case .text(let start, let end):
        let raw = text.extracting(start..<end)
        if normalization.changes(raw) {
          let normal = normalization.apply(raw)
          try append(normal.span, 0, normal.count, finders.normalized, to: &ids)
        } else {
          try append(text, start, end, finders.normalized, to: &ids)
        }
      }
    }
    if framed { ids += frame.after }
    return ids
  }

  /// Adds the tokens of a normalised stretch.
  private func append(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, _ finder: AddedTokenFinder,
    to ids: inout [Int32]
  ) throws {
    try stretches(of: text, start, end, finder) { stretch in
      switch stretch {
      case .token(let id): ids.append(id)
      case .text(let start, let end):
        guard addsLeadingSpace && text[start] != UInt8(ascii: " ") else {
          return try append(text, start, end, to: &ids)
        }
        let led = [UInt8(ascii: " ")] + (start..<end).map { text[$0] }
        try append(led.span, 0, led.count, to: &ids)
      }
    }
  }

  private enum Stretch {
    case text(Int, Int)
    case token(Int32)
  }

  /// Cuts a text at the tokens that `finder` finds between `start` and `end`.
  private func stretches(
    of text: Span<UInt8>, _ start: Int, _ end: Int, _ finder: AddedTokenFinder,
    _ body: (Stretch) throws -> Void
  ) rethrows {
    var position = start
    while !finder.isEmpty, let match = finder.next(in: text, from: position, to: end) {
      if match.start > position { try body(.text(position, match.start)) }
      try body(.token(match.id))
      position = match.end
    }
    if position < end { try body(.text(position, end)) }
  }

  /// Adds the tokens of a stretch without added tokens.
  private func append(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, to ids: inout [Int32]
  ) throws {
    switch model {
    case .characters(let characters):
      try characters.encode(text, start, end, into: &ids)
    case .bytePair(let bytePair):
      let tables = bytePair.tables
      let added = scratches.lend { scratch in
        scratch.encode(text, start, end, bytePair.pattern, with: tables)
      }
      if !bytePair.coversBytes, added.contains(-1) {
        let missing = (start..<end).first { bytePair.byteTokens[Int(text[$0])] < 0 } ?? start
        throw TokenizerError.unknownCharacter(
          "the byte 0x\(String(text[missing], radix: 16))", offset: missing)
      }
      if ids.isEmpty { ids = added } else { ids += added }
    }
  }
}

/// What a tokenizer does with a piece of text.
enum TokenModel: Sendable {
  case bytePair(BytePairModel)
  case characters(CharacterModel)

  var vocabulary: Vocabulary {
    switch self {
    case .bytePair(let model): model.vocabulary
    case .characters(let model): model.vocabulary
    }
  }
}

/// Buffers of the encoder that wait for the next call.
private final class ScratchPool: Sendable {
  private struct Waiting: @unchecked Sendable {
    // Safe because a buffer is either here or in the hands of one call.
    var scratches: [BytePairScratch] = []
  }

  private let waiting = Mutex(Waiting())

  func lend<Result>(_ body: (BytePairScratch) -> Result) -> Result {
    let lent = waiting.withLock { $0.scratches.popLast() }
    // The remembered pieces hold for one model, and a pool serves one.
    let scratch = lent ?? BytePairScratch()
    defer {
      scratch.trim()
      let back = Waiting(scratches: [scratch])
      waiting.withLock { $0.scratches += back.scratches }
    }
    return body(scratch)
  }
}
