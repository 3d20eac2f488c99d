import Synchronization

/// One learned merge: two tokens, and the one that takes their place.
struct BytePairMerge: Equatable, Sendable {
  let left: Int32
  let right: Int32
  let result: Int32
}

/// Byte-level byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909; Radford et al. 2019): a
/// piece begins as bytes, and the adjacent pair of lowest rank, leftmost first, is merged until
/// none is left.
final class BytePairModel: Sendable {
  let vocabulary: Vocabulary
  /// In the order of their ranks.
  let merges: [BytePairMerge]
  /// A piece that is a token is that token, whatever the merges say.
  let wholePieces: Bool
  let pattern: SplitPattern
  /// Stands for bytes without a token.
  let unknown: Int32?

  /// Token of each byte; -1 where there is none.
  let byteTokens: [Int32]
  /// Every byte has a token.
  let coversBytes: Bool
  let pairs: PairTable
  private let wholes: WholePieces

  init(
    vocabulary: Vocabulary, merges: [BytePairMerge], wholePieces: Bool, pattern: SplitPattern,
    unknown: Int32? = nil
  ) {
    self.vocabulary = vocabulary
    self.merges = merges
    self.wholePieces = wholePieces
    self.pattern = pattern
    self.unknown = unknown
    byteTokens = (0..<256).map {
      vocabulary.id(of: CollectionOfOne(UInt8($0))) ?? unknown ?? -1
    }
    coversBytes = !byteTokens.contains(-1)
    pairs = PairTable(merges)
    let merger = BytePairTables(byteTokens: byteTokens, pairs: pairs)
    wholes = WholePieces(vocabulary, wholePieces ? nil : merger)
  }

  /// Of a vocabulary in which a token's rank is its number (tiktoken): two tokens merge where their
  /// bytes together are a token.
  ///
  /// Whatever surrounds it, a token comes of one last merge only, the one that its bytes alone end
  /// with: so one merge a token says the same.
  convenience init(ranks vocabulary: Vocabulary, pattern: SplitPattern) {
    var merges: [BytePairMerge] = []
    for id in 0..<Int32(vocabulary.count) {
      let bytes = vocabulary.bytes(of: id)
      guard bytes.count > 1, let (left, right) = Self.lastMerge(bytes, vocabulary) else { continue }
      merges.append(BytePairMerge(left: left, right: right, result: id))
    }
    self.init(vocabulary: vocabulary, merges: merges, wholePieces: true, pattern: pattern)
  }

  private static func lastMerge(
    _ bytes: ArraySlice<UInt8>, _ vocabulary: Vocabulary
  ) -> (Int32, Int32)? {
    var edges = Array(bytes.startIndex...bytes.endIndex)
    while edges.count > 3 {
      var best = Int32.max
      var position = 0
      for i in 0..<edges.count - 2 {
        if let id = vocabulary.id(of: bytes[edges[i]..<edges[i + 2]]), id < best {
          best = id
          position = i + 1
        }
      }
      if position == 0 { return nil }
      edges.remove(at: position)
    }
    guard let left = vocabulary.id(of: bytes[edges[0]..<edges[1]]),
      let right = vocabulary.id(of: bytes[edges[1]..<edges[2]])
    else { return nil }
    return (left, right)
  }

  /// What encodes `byteCount` bytes of text.
  func tables(for byteCount: Int) -> BytePairTables {
    var tables = BytePairTables(byteTokens: byteTokens, pairs: pairs)
    if let wholes = wholes.tables(for: byteCount) {
      (tables.pieces, tables.longPieces, tables.longTokens) = (
        wholes.pieces, wholes.longPieces, wholes.longTokens
      )
    }
    return tables
  }
}

/// The pieces that are one token: looked up instead of merged.
///
/// To find them by merges takes longer than to encode a prompt, so that waits until some text was encoded;
/// without them the tokens are the same.
private final class WholePieces: Sendable {
  struct Tables {
    let pieces: PieceTable
    /// Pieces longer than a `ShortKey`, by number in `longTokens`.
    let longPieces: ByteStringTable
    let longTokens: [Int32]
  }

  private struct State: @unchecked Sendable {
    // Safe because tables are not changed once they are built.
    var bytesSeen = 0
    var tables: Tables?
  }

  /// Bytes of text that are encoded without.
  private static let patience = 1 << 18
  private let vocabulary: Vocabulary
  private let merger: BytePairTables?
  private let state = Mutex(State())

  /// Tokens that `merger` makes of their bytes; without it all tokens, at once.
  init(_ vocabulary: Vocabulary, _ merger: sending BytePairTables?) {
    self.vocabulary = vocabulary
    self.merger = merger
    if merger == nil { _ = tables(for: Self.patience) }
  }

  func tables(for byteCount: Int) -> Tables? {
    state.withLock { state in
      if state.tables == nil {
        state.bytesSeen += byteCount
        if state.bytesSeen >= Self.patience { state.tables = build() }
      }
      return state.tables
    }
  }

  private func build() -> Tables {
    let scratch = BytePairScratch(remembering: 1)
    var short: [(bytes: ArraySlice<UInt8>, id: Int32)] = []
    short.reserveCapacity(vocabulary.count)
    var long = ByteStringTable()
    var longTokens: [Int32] = []
    for id in 0..<Int32(vocabulary.count) {
      let bytes = vocabulary.bytes(of: id)
      guard !bytes.isEmpty, vocabulary.id(of: bytes) == id else { continue }
      if let merger, scratch.merge(bytes, with: merger) != [id] { continue }
      if bytes.count <= ShortKey.maximum {
        short.append((bytes, id))
      } else if long.insert(bytes) == longTokens.count {
        longTokens.append(id)
      }
    }
    return Tables(pieces: PieceTable(short), longPieces: long, longTokens: longTokens)
  }
}
