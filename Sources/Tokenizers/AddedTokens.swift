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

  /// A byte in a tree of the spellings; its siblings are a list.
  private struct Node {
    let byte: UInt8
    /// Token whose spelling ends here; -1 where none does.
    var token: Int32 = -1
    var child: Int32 = -1
    var sibling: Int32 = -1
  }

  let tokens: [AddedToken]
  private var nodes: [Node] = []
  /// The node of each first byte; -1 where there is none.
  private var roots = [Int32](repeating: -1, count: 256)
  private let hasPlain: Bool

  /// `spelled` says how a token stands in the text.
  init(_ tokens: [AddedToken], spelled: ((AddedToken) -> [UInt8])? = nil) {
    self.tokens = tokens
    hasPlain = tokens.contains { !$0.special }
    for (index, token) in tokens.enumerated() {
      if let spelled {
        insert(spelled(token), Int32(index))
      } else {
        insert(token.content.utf8, Int32(index))
      }
    }
  }

  private mutating func insert(_ spelling: some Sequence<UInt8>, _ index: Int32) {
    var node: Int32 = -1
    for byte in spelling {
      let first = node < 0 ? roots[Int(byte)] : nodes[Int(node)].child
      var next = first
      while next >= 0 && nodes[Int(next)].byte != byte { next = nodes[Int(next)].sibling }
      if next < 0 {
        next = Int32(nodes.count)
        nodes.append(Node(byte: byte, sibling: node < 0 ? -1 : first))
        if node < 0 { roots[Int(byte)] = next } else { nodes[Int(node)].child = next }
      }
      node = next
    }
    if node >= 0 { nodes[Int(node)].token = index }
  }

  /// Whether nothing is ever found.
  func isEmpty(_ special: SpecialTokenHandling) -> Bool {
    nodes.isEmpty || (special == .plain && !hasPlain)
  }

  /// The next match in `text` from `start` on.
  func next(
    in text: Span<UInt8>, from start: Int, to end: Int,
    special: SpecialTokenHandling = .recognised
  ) -> Match? {
    var position = start
    while position < end {
      guard roots[Int(text[position])] >= 0 else {
        position += 1
        continue
      }
      if let (index, matchEnd) = longest(text, position, end, special) {
        let token = tokens[index]
        if !token.singleWord || standsAlone(text, position, matchEnd, start, end) {
          return stripped(token, text, position, matchEnd, start, end)
        }
      }
      position += 1
    }
    return nil
  }

  private func longest(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, _ special: SpecialTokenHandling
  ) -> (Int, Int)? {
    var node = roots[Int(text[start])]
    var found: (Int, Int)?
    var position = start + 1
    while node >= 0 {
      let token = Int(nodes[Int(node)].token)
      if token >= 0, special == .recognised || !tokens[token].special { found = (token, position) }
      guard position < end else { break }
      node = nodes[Int(node)].child
      while node >= 0 && nodes[Int(node)].byte != text[position] {
        node = nodes[Int(node)].sibling
      }
      position += 1
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
