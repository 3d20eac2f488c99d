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
  /// Special tokens at which an answer ends, `endOfText` among them.
  public let endTokens: Set<Int32>

  /// Added tokens found in the text as it is, and in the normalised text.
  private let finders: (raw: AddedTokenFinder, normalized: AddedTokenFinder)
  private let decoding: DecodingTable
  private let scratches: ScratchPool<BytePairScratch>

  init(
    model: TokenModel, addedTokens: [AddedToken] = [], normalization: Normalization = .none,
    addsLeadingSpace: Bool = false, frame: (before: [Int32], after: [Int32]) = ([], []),
    endOfText: String? = nil, beginningOfText: String? = nil
  ) {
    func number(_ named: String?, _ usual: [String]) -> Int32? {
      let candidates = named.map { [$0] } ?? usual
      for content in candidates {
        let found = addedTokens.first { $0.content.utf8.elementsEqual(content.utf8) }
        if let found, named != nil || found.special { return found.id }
        if named != nil { return model.id(spelled: content) }
      }
      return nil
    }
    self.init(
      model: model, addedTokens: addedTokens, normalization: normalization,
      addsLeadingSpace: addsLeadingSpace, frame: frame,
      ends: number(
        endOfText,
        ["<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|eot_id|>", "<|im_end|>"]),
      begins: number(beginningOfText, ["<|begin_of_text|>", "<s>", "<bos>", "<|bos|>"]))
  }

  /// With the numbers of the tokens that begin and end a document.
  init(
    model: TokenModel, addedTokens: [AddedToken], normalization: Normalization = .none,
    addsLeadingSpace: Bool = false, frame: (before: [Int32], after: [Int32]),
    ends endOfText: Int32?, begins beginningOfText: Int32?, alsoEnds: [Int32] = []
  ) {
    self.model = model
    let added = addedTokens.sorted { $0.id < $1.id }
    self.addedTokens = added
    self.normalization = normalization
    self.addsLeadingSpace = addsLeadingSpace
    scratches = ScratchPool { BytePairScratch() }
    self.frame = frame
    self.endOfText = endOfText
    self.beginningOfText = beginningOfText
    finders = (
      AddedTokenFinder(added.filter { !$0.normalized }),
      AddedTokenFinder(added.filter(\.normalized), spelled: model.normalizedSpelling)
    )
    decoding = DecodingTable(model.vocabulary.list, model.decodingExceptions(added))
    let named = added.lazy.filter { $0.special && Self.endSpellings.contains($0.content) }
    endTokens = Set([endOfText].compactMap(\.self) + alsoEnds + named.map(\.id))
  }

  /// How published models spell the end of a text or of a turn.
  private static let endSpellings: Set<String> = [
    "<|eot_id|>", "<|im_end|>", "<|end|>", "<|end_of_text|>", "<|endoftext|>", "<|eom_id|>",
    "<end_of_turn>", "<end_of_utterance>", "<eos>", "</s>", "<EOT>", "<turn|>",
    "<\u{FF5C}end\u{2581}of\u{2581}sentence\u{FF5C}>",
  ]

  /// How many tokens a model over this vocabulary needs: the highest number and one.
  public var vocabularySize: Int {
    max(model.vocabulary.count, Int(addedTokens.last?.id ?? -1) + 1)
  }

  /// The tokens of a text. `framed` adds the ones that the tokenizer puts around a text, where the text
  /// does not spell them already.
  ///
  /// Throws `TokenizerError.unknownCharacter` where the vocabulary does not cover the text.
  public func encode(
    _ text: String, special: SpecialTokenHandling = .recognised, framed: Bool = false
  ) throws -> [Int32] {
    var text = text
    return try text.withUTF8 { try encode($0.span, special, framed) }
  }

  /// The tokens of what a chat template wrote: special tokens are recognised, and the ones that begin a
  /// text are added if the tokenizer asks for them and the template did not write them.
  public func encode(rendered text: String) throws -> [Int32] {
    let ids = try encode(text)
    return ids.starts(with: frame.before) ? ids : frame.before + ids
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
    String(
      decoding: decodeBytes(ids, skippingSpecial: skippingSpecial, wholeText: true), as: UTF8.self)
  }

  /// The bytes of tokens. A number outside the vocabulary (models are often wider) has none.
  ///
  /// The tokens of a `wholeText` lose the space that encoding put before it; ones that continue a text
  /// keep theirs.
  public func decodeBytes(
    _ ids: [Int32], skippingSpecial: Bool = false, wholeText: Bool = false
  ) -> [UInt8] {
    var bytes = decoding.bytes(of: ids, skippingSpecial: skippingSpecial)
    if wholeText && decodingDropsSpace && bytes.first == UInt8(ascii: " ") { bytes.removeFirst() }
    return bytes
  }

  /// Whether a decoded text loses the space that it begins with.
  var decodingDropsSpace: Bool {
    switch model {
    case .sentencePiece(let model): model.spaces.stripsPrefix
    case .wordPiece: true
    case .bytePair, .characters: false
    }
  }

  /// The number of a token that is spelled so: an added token, or else one of the vocabulary, by its bytes
  /// or as its file spells it.
  public func id(of token: String) -> Int32? {
    addedTokens.first { $0.content.utf8.elementsEqual(token.utf8) }?.id
      ?? model.id(spelled: token)
  }

  /// Whether a token steers the model instead of standing for text.
  public func isSpecial(_ id: Int32) -> Bool { decoding.isSpecial(id) }

  private func encode(
    _ text: Span<UInt8>, _ special: SpecialTokenHandling, _ framed: Bool
  ) throws -> [Int32] {
    var ids: [Int32] = []
    var place = SpaceRule.Place.start
    try stretches(of: text, 0, text.count, finders.raw, special) { stretch in
      switch stretch {
      case .token(let id):
        ids.append(id)
        place = decoding.isSpecial(id) ? .afterSpecial : .inside
      case .text(let start, let end):
        if let normal = normalized(text, start, end, place) {
          try append(normal.span, 0, normal.count, special, place, to: &ids)
        } else {
          try append(text, start, end, special, place, to: &ids)
        }
        place = .inside
      }
    }
    guard framed else { return ids }
    let begins = special == .recognised && ids.starts(with: frame.before)
    let ends =
      special == .recognised && ids.suffix(frame.after.count).elementsEqual(frame.after)
      && ids.count >= frame.after.count + (begins ? frame.before.count : 0)
    if !begins { ids.insert(contentsOf: frame.before, at: 0) }
    if !ends { ids += frame.after }
    return ids
  }

  /// A stretch of text after normalisation; nil where it stays as it is.
  private func normalized(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, _ place: SpaceRule.Place
  ) -> [UInt8]? {
    if case .sentencePiece(let model) = model, !model.spaces.isPreTokenizer {
      return model.spaces.apply(text, start, end, place)
    }
    let raw = text.extracting(start..<end)
    return normalization.changes(raw) ? normalization.apply(raw) : nil
  }

  /// Adds the tokens of a normalised stretch.
  private func append(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, _ special: SpecialTokenHandling,
    _ place: SpaceRule.Place, to ids: inout [Int32]
  ) throws {
    var place = place
    try stretches(of: text, start, end, finders.normalized, special) { stretch in
      switch stretch {
      case .token(let id):
        ids.append(id)
        place = decoding.isSpecial(id) ? .afterSpecial : .inside
      case .text(let from, let to):
        if let led = led(text, from, to, place) {
          try append(led.span, 0, led.count, to: &ids)
        } else {
          try append(text, from, to, to: &ids)
        }
        place = .inside
      }
    }
  }

  /// A stretch with the space that pre-tokenization puts before it; nil where it stays as it is.
  private func led(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, _ place: SpaceRule.Place
  ) -> [UInt8]? {
    if case .sentencePiece(let model) = model, model.spaces.isPreTokenizer {
      return model.spaces.apply(text, start, end, place)
    }
    guard addsLeadingSpace && text[start] != UInt8(ascii: " ") else { return nil }
    return [UInt8(ascii: " ")] + (start..<end).map { text[$0] }
  }

  private enum Stretch {
    case text(Int, Int)
    case token(Int32)
  }

  /// Cuts a text at the tokens that `finder` finds between `start` and `end`.
  private func stretches(
    of text: Span<UInt8>, _ start: Int, _ end: Int, _ finder: AddedTokenFinder,
    _ special: SpecialTokenHandling, _ body: (Stretch) throws -> Void
  ) rethrows {
    var position = start
    while !finder.isEmpty(special),
      let match = finder.next(in: text, from: position, to: end, special: special)
    {
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
    case .sentencePiece(let model):
      try model.encode(text, start, end, into: &ids)
    case .wordPiece(let model):
      model.encode(text, start, end, into: &ids)
    case .bytePair(let bytePair):
      let tables = bytePair.tables(for: end - start)
      let added = scratches.lend { scratch in
        defer { scratch.trim() }
        return scratch.encode(text, start, end, bytePair.pattern, with: tables)
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
