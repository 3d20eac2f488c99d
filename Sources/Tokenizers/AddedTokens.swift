/// A token that is found in a text as it is spelled, before anything is split: special ones, which
/// steer a model, and others that were added to a vocabulary.
public struct AddedToken: Sendable, Equatable {
  public var id: Int32
  public var content: String
  /// Steers the model; never comes of plain text.
  public var special = true
  /// Takes the white space before it.
  public var stripsLeft = false
  /// Takes the white space after it.
  public var stripsRight = false
  /// Only where no letter, number or underscore touches it.
  public var singleWord = false
  /// Is looked for in the normalised text.
  public var normalized = false

  public init(id: Int32, content: String, special: Bool = true) {
    self.id = id
    self.content = content
    self.special = special
  }
}

/// Finds added tokens: the leftmost, and there the longest.
struct AddedTokenFinder: Sendable {
  struct Match {
    let start: Int
    let end: Int
    let id: Int32
  }

  let tokens: [AddedToken]
  /// Token that ends at each node of a tree of bytes; -1 where none does.
  private var ends: [Int32] = [-1]
  private var children: [UInt32: Int32] = [:]
  private var firstBytes = [Bool](repeating: false, count: 256)

  init(_ tokens: [AddedToken]) {
    self.tokens = tokens.filter { !$0.content.isEmpty }
    for (index, token) in self.tokens.enumerated() {
      var node: Int32 = 0
      for byte in token.content.utf8 {
        let key = UInt32(node) << 8 | UInt32(byte)
        if let child = children[key] {
          node = child
        } else {
          node = Int32(ends.count)
          children[key] = node
          ends.append(-1)
        }
      }
      ends[Int(node)] = Int32(index)
      firstBytes[Int(token.content.utf8.first!)] = true
    }
  }

  var isEmpty: Bool { tokens.isEmpty }

  /// The next match in `text` from `start` on.
  func next(in text: Span<UInt8>, from start: Int, to end: Int) -> Match? {
    var position = start
    while position < end {
      guard firstBytes[Int(text[position])] else {
        position += 1
        continue
      }
      if let (index, matchEnd) = longest(text, position, end) {
        let token = tokens[index]
        if !token.singleWord || standsAlone(text, position, matchEnd, start, end) {
          return stripped(token, text, position, matchEnd, start, end)
        }
      }
      position += 1
    }
    return nil
  }

  private func longest(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> (Int, Int)? {
    var node: Int32 = 0
    var found: (Int, Int)?
    var position = start
    while position < end,
      let child = children[UInt32(node) << 8 | UInt32(text[position])]
    {
      node = child
      position += 1
      if ends[Int(node)] >= 0 { found = (Int(ends[Int(node)]), position) }
    }
    return found
  }

  private func isWordly(_ flags: UInt8, _ byte: UInt8) -> Bool {
    flags & (UnicodeClasses.letter | UnicodeClasses.number) != 0 || byte == UInt8(ascii: "_")
  }

  private func standsAlone(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, _ first: Int, _ last: Int
  ) -> Bool {
    let classes = UnicodeClasses.shared
    if end < last, isWordly(classes.character(text, end, last).flags, text[end]) { return false }
    guard start > first else { return true }
    let before = lead(text, start, first)
    return !isWordly(classes.character(text, before, start).flags, text[before])
  }

  /// Where the character before `position` begins.
  private func lead(_ text: Span<UInt8>, _ position: Int, _ first: Int) -> Int {
    var lead = position - 1
    while lead > first && position - lead < 4 && text[lead] & 0xC0 == 0x80 { lead -= 1 }
    return lead
  }

  private func stripped(
    _ token: AddedToken, _ text: Span<UInt8>, _ start: Int, _ end: Int, _ first: Int, _ last: Int
  ) -> Match {
    let classes = UnicodeClasses.shared
    var start = start
    var end = end
    while token.stripsLeft && start > first {
      let before = lead(text, start, first)
      let flags = classes.character(text, before, start).flags
      if flags & UnicodeClasses.space == 0 { break }
      start = before
    }
    while token.stripsRight && end < last {
      let next = classes.character(text, end, last)
      if next.flags & UnicodeClasses.space == 0 { break }
      end += next.length
    }
    return Match(start: start, end: end, id: token.id)
  }
}
