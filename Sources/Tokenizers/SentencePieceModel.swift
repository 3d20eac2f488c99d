/// What SentencePiece does with white space before it merges. Here and in `SentencePieceModel` a space
/// stands for U+2581, by which the files spell it.
struct SpaceRule: Sendable, Equatable {
  enum Prefix: Sendable {
    case none
    /// Before each stretch of text (llama.cpp, and Hugging Face's normalizer `Prepend`).
    case always
    /// Before the text, and after special tokens (SentencePiece, of which special tokens are no part).
    case afterSpecial
    /// Before each stretch that does not begin with a space (`Metaspace`, "always").
    case unlessSpaced
    /// Before the text, if it does not begin with a space (`Metaspace`, "first").
    case firstUnlessSpaced
  }

  var prefix = Prefix.none
  /// Runs of spaces become one, and the ones at the ends go.
  var removesExtra = false
  /// Each space begins a piece of its own (`Metaspace` with "split").
  var cutsAtEverySpace = false
  /// The rule is applied after added tokens were looked for in the normalised text, not before.
  var isPreTokenizer = false
  /// Decoding a whole text drops the space that it begins with.
  var stripsPrefix = false

  /// What comes before a stretch of text.
  enum Place {
    case start
    case afterSpecial
    /// An added token that is not special, or text.
    case inside
  }

  /// The text between `start` and `end` as it is merged; nil where it stays as it is.
  func apply(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, _ place: Place = .inside
  ) -> [UInt8]? {
    let escaped = (start..<end).contains { text[$0] == 0xE2 }
    guard prefix != .none || removesExtra || escaped else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(end - start + 1)
    var last = UInt8(ascii: " ")
    var position = start
    while position < end {
      let byte = text[position]
      if byte == 0xE2, Self.isEscape(text, position, end) {
        result.append(UInt8(ascii: " "))
        position += 3
      } else {
        if !removesExtra || byte != UInt8(ascii: " ") || last != byte { result.append(byte) }
        position += 1
      }
      last = byte
    }
    if removesExtra && last == UInt8(ascii: " ") && !result.isEmpty { result.removeLast() }
    guard !result.isEmpty else { return result }
    let adds =
      switch prefix {
      case .none: false
      case .always: true
      case .afterSpecial: place != .inside
      case .unlessSpaced: result[0] != UInt8(ascii: " ")
      case .firstUnlessSpaced: place == .start && result[0] != UInt8(ascii: " ")
      }
    if adds { result.insert(UInt8(ascii: " "), at: 0) }
    return result
  }

  /// U+2581 at `position`.
  static func isEscape(_ text: Span<UInt8>, _ position: Int, _ end: Int) -> Bool {
    position + 2 < end && text[position] == 0xE2 && text[position + 1] == 0x96
      && text[position + 2] == 0x81
  }
}

/// Byte-pair encoding as SentencePiece does it (Kudo & Richardson 2018, arXiv 1808.06226): a text begins as
/// characters, and the adjacent pair of highest score, leftmost first, is merged until none is left; what
/// is no token then is spelled in bytes.
final class SentencePieceModel: Sendable {
  enum Rule: Sendable {
    /// Two symbols merge where their bytes together are a token; `ranks` orders tokens by falling score.
    case scores(ranks: [UInt32])
    /// Two tokens merge where a merge says so, lowest rank first.
    case merges(PairTable, [BytePairMerge])
  }

  /// Tokens with spaces for U+2581, byte tokens as they are spelled.
  let vocabulary: Vocabulary
  let rule: Rule
  let spaces: SpaceRule
  /// Token of each byte, "<0x0A>"; -1 where there is none.
  let byteTokens: [Int32]
  let hasBytes: Bool
  let unknown: Int32?
  let fusesUnknown: Bool
  /// Tokens that are spelled with real spaces.
  let literals: Set<Int32>

  /// Tokens of the characters below 128.
  private let ascii: [Int32]
  /// Whether some token holds a space right after this byte: a text is not cut there.
  private let joins: [Bool]
  private let scratches = ScratchPool { SentencePieceScratch() }

  init(
    _ pieces: SentencePieceVocabulary, rule: Rule, spaces: SpaceRule, unknown: Int32?,
    fusesUnknown: Bool
  ) {
    vocabulary = pieces.vocabulary
    self.rule = rule
    self.spaces = spaces
    byteTokens = pieces.byteTokens
    hasBytes = !byteTokens.contains(-1)
    self.unknown = unknown
    self.fusesUnknown = fusesUnknown
    literals = pieces.literals
    joins = pieces.joins
    ascii = (0..<128).map { pieces.vocabulary.id(of: CollectionOfOne(UInt8($0))) ?? -1 }
  }

  /// The score of each token, where the vocabulary has them.
  var scores: [Float]? {
    guard case .scores(let ranks) = rule else { return nil }
    return ranks.map { Float(bitPattern: $0 >> 31 == 1 ? $0 : ~$0 & 0x7FFF_FFFF) }
  }

  /// Adds the tokens of `text` between `start` and `end`, in which spaces stand for U+2581.
  func encode(_ text: Span<UInt8>, _ start: Int, _ end: Int, into ids: inout [Int32]) throws {
    try scratches.lend { scratch in
      var position = start
      while position < end {
        var next = position + 1
        while next < end && !cuts(text[next - 1], text[next]) { next += 1 }
        try append(text, position, next, scratch, to: &ids)
        position = next
      }
    }
  }

  /// Whether no merge reaches from `before` to `byte`, which follows it.
  @inline(__always)
  private func cuts(_ before: UInt8, _ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") && (spaces.cutsAtEverySpace || !joins[Int(before)])
  }

  private func append(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, _ scratch: SentencePieceScratch,
    to ids: inout [Int32]
  ) throws {
    if let known = scratch.remembered(text, start, end) {
      for i in 0..<Int(known.count) { ids.append(known.ids[i]) }
      return
    }
    let before = ids.count
    let merger = SentencePieceMerger(self, scratch)
    merger.merge(text, start, end)
    var lastUnknown = false
    for symbol in merger.symbols() {
      if symbol.id >= 0 {
        ids.append(symbol.id)
        lastUnknown = false
      } else if hasBytes {
        for position in symbol.start..<symbol.end { ids.append(byteTokens[Int(text[position])]) }
      } else if let unknown {
        if !(lastUnknown && fusesUnknown) { ids.append(unknown) }
        lastUnknown = true
      } else {
        throw missing(text, symbol.start, symbol.end)
      }
    }
    scratch.remember(text, start, end, ids[before...])
  }

  private func missing(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> TokenizerError {
    let bytes = (start..<end).map { text[$0] }
    let shown =
      String(validating: bytes, as: UTF8.self).map(\.debugDescription)
      ?? "the byte 0x\(String(bytes[0], radix: 16))"
    return .unknownCharacter(shown, offset: start)
  }

  /// The token of one character; -1 where there is none.
  @inline(__always)
  func token(ofCharacter text: Span<UInt8>, _ start: Int, _ end: Int) -> Int32 {
    end - start == 1 && text[start] < 128
      ? ascii[Int(text[start])] : vocabulary.find(text, start, end)
  }
}
