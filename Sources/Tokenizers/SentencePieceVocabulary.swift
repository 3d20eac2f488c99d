// Unsafe pointers: see ByteTables.swift.

/// The tokens of a SentencePiece vocabulary, made ready to be looked up.
struct SentencePieceVocabulary {
  /// Tokens with spaces for U+2581, byte tokens as they are spelled.
  let vocabulary: Vocabulary
  /// Token of each byte, "<0x0A>"; -1 where there is none.
  let byteTokens: [Int32]
  /// Tokens that are spelled with real spaces, which no text is.
  let literals: Set<Int32>
  /// Whether some token holds a space right after this byte.
  let joins: [Bool]

  /// `tokens` as files spell them. The ones for which `isByte` is true spell bytes, the ones for which
  /// `isMerged` is false never come of merges. Where no token spells a byte and the vocabulary `fallsBack`,
  /// the token of the character does.
  init(
    _ tokens: StringList, isByte: (Int) -> Bool, isMerged: (Int) -> Bool, fallsBack: Bool = true
  ) {
    let spaced = Spaced(tokens)
    let isLiteral = spaced.isLiteral
    vocabulary = Vocabulary(spaced.list) { id in
      isMerged(id) && !isByte(id) && (isLiteral.isEmpty || !isLiteral[id])
    }
    var byteTokens = [Int32](repeating: -1, count: 256)
    for id in 0..<tokens.count where isByte(id) {
      if let byte = Self.byte(tokens[id]) { byteTokens[Int(byte)] = Int32(id) }
    }
    for byte in 0..<256 where fallsBack && byteTokens[byte] < 0 {
      byteTokens[byte] = vocabulary.id(of: CollectionOfOne(UInt8(byte))) ?? -1
    }
    self.byteTokens = byteTokens
    literals = Set(isLiteral.indices.lazy.filter { isLiteral[$0] }.map { Int32($0) })
    joins = spaced.joins
  }

  /// The byte that "<0x0A>" spells; nil where it spells none.
  static func byte(_ token: ArraySlice<UInt8>) -> UInt8? {
    guard token.count == 6, token.starts(with: "<0x".utf8), token.last == UInt8(ascii: ">") else {
      return nil
    }
    let digits = token.dropFirst(3).prefix(2)
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
    return UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  /// Tokens with a space for each U+2581.
  private struct Spaced {
    let list: StringList
    private(set) var joins = [Bool](repeating: false, count: 256)
    /// Whether a token had a real space; empty where none had.
    private(set) var isLiteral: [Bool] = []

    init(_ tokens: StringList) {
      let space = UInt8(ascii: " ")
      var starts: [UInt32] = []
      var joins = joins
      var isLiteral = isLiteral
      let bytes = [UInt8](unsafeUninitializedCapacity: tokens.bytes.count) { bytes, count in
        starts = [UInt32](unsafeUninitializedCapacity: tokens.count + 1) { starts, startCount in
          startCount = tokens.count + 1
          starts[0] = 0
          tokens.bytes.withUnsafeBufferPointer { source in
            var position = 0
            for id in 0..<tokens.count {
              let end = Int(tokens.starts[id &+ 1])
              let first = count
              while position < end {
                var byte = source[position]
                position &+= 1
                if byte == 0xE2, position &+ 1 < end, source[position] == 0x96,
                  source[position &+ 1] == 0x81
                {
                  byte = space
                  position &+= 2
                } else if byte == space {
                  if isLiteral.isEmpty {
                    isLiteral = [Bool](repeating: false, count: tokens.count)
                  }
                  isLiteral[id] = true
                }
                if byte == space && count > first { joins[Int(bytes[count &- 1])] = true }
                bytes[count] = byte
                count &+= 1
              }
              starts[id &+ 1] = UInt32(truncatingIfNeeded: count)
            }
          }
        }
      }
      list = StringList(bytes: bytes, starts: starts)
      (self.joins, self.isLiteral) = (joins, isLiteral)
    }
  }
}
