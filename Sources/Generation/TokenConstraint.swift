/// Which tokens may come next: a bit for each, token t at bit t % 64 of word t / 64.
public struct TokenMask: Sendable, Equatable {
  /// Bits beyond the vocabulary are 0.
  public private(set) var words: [UInt64]
  /// Tokens that have a bit.
  public let vocabulary: Int

  /// All tokens allowed, or none.
  public init(allowsAll: Bool, vocabulary: Int) {
    self.init(
      words: [UInt64](repeating: allowsAll ? .max : 0, count: (vocabulary + 63) / 64),
      vocabulary: vocabulary)
  }

  /// - Parameter words: (vocabulary + 63) / 64 of them; bits beyond the vocabulary are cleared.
  public init(words: [UInt64], vocabulary: Int) {
    precondition(
      words.count == (vocabulary + 63) / 64, "\(words.count) words for \(vocabulary) tokens")
    self.words = words
    self.vocabulary = vocabulary
    if vocabulary % 64 != 0 { self.words[words.count - 1] &= (1 << UInt64(vocabulary % 64)) - 1 }
  }

  /// Whether a token may come; false for one outside the vocabulary.
  public subscript(token: Int32) -> Bool {
    get {
      guard token >= 0, token < vocabulary else { return false }
      return words[Int(token) >> 6] >> UInt64(token & 63) & 1 == 1
    }
    set {
      precondition(token >= 0 && token < vocabulary, "token \(token) of \(vocabulary)")
      let bit: UInt64 = 1 << UInt64(token & 63)
      if newValue { words[Int(token) >> 6] |= bit } else { words[Int(token) >> 6] &= ~bit }
    }
  }

  /// Whether no token may come.
  public var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

  /// Tokens that may come.
  public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// Keeps only what `other` allows too.
  public mutating func formIntersection(_ other: TokenMask) {
    precondition(vocabulary == other.vocabulary, "masks of \(vocabulary), \(other.vocabulary)")
    for index in words.indices { words[index] &= other.words[index] }
  }
}

/// What a text has to look like, token by token: a grammar, a schema, a list of choices.
///
/// The generator asks for the mask, chooses among its tokens, and hands the choice to `accept`. Tokens
/// that end a text are the generator's affair: their bits are ignored, and they may be chosen exactly
/// where `isComplete`. One generation uses a constraint at a time; searches fork it.
public protocol TokenConstraint: AnyObject {
  /// The tokens that may come next.
  func mask() -> TokenMask
  /// Moves on by a token; false, and nothing changed, where it may not come.
  func accept(_ token: Int32) -> Bool
  /// Whether the text may end here.
  var isComplete: Bool { get }
  /// The same state for a second text, independent of this one.
  func fork() -> any TokenConstraint
}
