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
  let pieces: PieceTable
  /// Pieces longer than a `ShortKey` that are one token, by number in `longTokens`.
  let longPieces: ByteStringTable
  let longTokens: [Int32]

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

    // A piece whose bytes merge to one token is looked up instead of merged.
    let empty = PieceTable([])
    let none = ByteStringTable()
    let merger = BytePairTables(
      byteTokens: byteTokens, pairs: pairs, pieces: empty, longPieces: none, longTokens: [])
    let scratch = BytePairScratch(remembering: 1)
    var short: [(bytes: ArraySlice<UInt8>, id: Int32)] = []
    var long = ByteStringTable()
    var longTokens: [Int32] = []
    for id in 0..<Int32(vocabulary.count) {
      let bytes = vocabulary.bytes(of: id)
      guard !bytes.isEmpty, vocabulary.id(of: bytes) == id else { continue }
      guard wholePieces || scratch.merge(bytes, with: merger) == [id] else { continue }
      if bytes.count <= ShortKey.maximum {
        short.append((bytes, id))
      } else if long.insert(bytes) == longTokens.count {
        longTokens.append(id)
      }
    }
    pieces = PieceTable(short)
    longPieces = long
    self.longTokens = longTokens
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

  var tables: BytePairTables {
    BytePairTables(
      byteTokens: byteTokens, pairs: pairs, pieces: pieces, longPieces: longPieces,
      longTokens: longTokens)
  }
}

/// Tokens by number, as bytes; numbers may be missing.
struct Vocabulary: Sendable {
  private let table: ByteStringTable
  /// The string of each token in `table`; -1 where the number is missing.
  private let strings: [Int32]
  /// The token of each string.
  private let tokens: [Int32]

  /// `tokens[id]` are the bytes of a token; empty where the number is missing. Of two tokens with
  /// the same bytes the first is found by them.
  init(_ list: [[UInt8]]) {
    var table = ByteStringTable(capacity: list.count)
    var strings = [Int32](repeating: -1, count: list.count)
    var tokens: [Int32] = []
    for (id, bytes) in list.enumerated() where !bytes.isEmpty {
      let string = table.insert(bytes)
      strings[id] = Int32(string)
      if string == tokens.count { tokens.append(Int32(id)) }
    }
    self.table = table
    self.strings = strings
    self.tokens = tokens
  }

  /// The highest number and one.
  var count: Int { strings.count }

  func bytes(of id: Int32) -> ArraySlice<UInt8> {
    guard id >= 0, Int(id) < strings.count, strings[Int(id)] >= 0 else { return [] }
    return table[Int(strings[Int(id)])]
  }

  func id(of bytes: some Collection<UInt8>) -> Int32? {
    table.find(bytes).map { tokens[$0] }
  }
}
