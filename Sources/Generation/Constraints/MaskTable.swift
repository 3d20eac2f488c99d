/// Masks of a grammar's windows over a vocabulary, found by walking the tree of tokens and kept.
///
/// A mask is found in levels: tokens that stay within the window first; then, for each token that
/// reaches the window's end, what the state to return to allows behind it; and so on. So a window's
/// mask is walked once, whatever is below it, and only its few tokens that leave it are looked at
/// again for each place that it may return to.
struct MaskTable: Sendable {
  typealias Cursor = WindowTable.Cursor

  private struct Level: Sendable {
    var mask: TokenMask
    /// Nodes of tokens at which the window ends.
    var exits: [Int32] = []
    /// Levels of stack that a token may add.
    var rise = 0
    /// Levels below, by the state that is returned to.
    var below: [Int32: Int] = [:]
  }

  private(set) var windows: WindowTable
  private let trie: TokenTrie
  private var levels: [Level] = []
  private var roots: [Int32: Int] = [:]
  private var windowAt: [Int32]
  private var stackAt: [Int32]

  init(_ network: GrammarNetwork, _ trie: TokenTrie, _ limits: ConstraintLimits) {
    windows = WindowTable(network, limits, reach: trie.depth)
    self.trie = trie
    windowAt = [Int32](repeating: 0, count: trie.depth + 1)
    stackAt = windowAt
  }

  /// How much is remembered.
  var size: Int { windows.size }

  mutating func start() throws -> Cursor { try windows.start() }

  /// The cursor behind a token; nil where it may not come.
  mutating func advance(_ cursor: Cursor, _ token: Int32) throws -> Cursor? {
    let bytes = trie.bytes(of: token)
    guard !bytes.isEmpty else { return nil }
    var cursor = cursor
    for byte in bytes { guard try windows.advance(&cursor, byte) else { return nil } }
    return cursor
  }

  mutating func mask(_ cursor: Cursor) throws -> TokenMask {
    let window = try windows.generalise(cursor.window)
    let limit = windows.limits.depth
    forgetIfFull()
    var level = try root(window)
    var stack = cursor.stack
    while true {
      if windows.stacks.depth(stack) + levels[level].rise > limit { return try directMask(cursor) }
      if stack == 0 || levels[level].exits.isEmpty { return levels[level].mask }
      let frame = windows.generalise(frame: windows.stacks.top(stack))
      level = try self.level(below: level, frame)
      stack = windows.stacks.parent(stack)
    }
  }

  private mutating func root(_ window: Int32) throws -> Int {
    if let known = roots[window] { return known }
    windows.peak = 0
    var level = Level(mask: TokenMask(allowsAll: false, vocabulary: trie.vocabulary))
    var walk = Walk(vocabulary: trie.vocabulary)
    let cursor = Cursor(window: window, stack: 0)
    if let (set, home) = try windows.loop(window) {
      // Most of the vocabulary stays in the window: it was looked through once for all constraints.
      let loop = trie.loop(set)
      walk.words = loop.words
      for index in loop.rest {
        let node = trie.nodes[Int(index)]
        let depth = Int(node.depth) - 1
        let from = depth == 0 ? cursor : Cursor(window: home, stack: 0)
        try self.walk(from, index..<node.end, depth: depth, &walk)
      }
    } else {
      try self.walk(cursor, 0..<Int32(trie.nodes.count), depth: 0, &walk)
    }
    level.mask = TokenMask(words: walk.words, vocabulary: trie.vocabulary)
    level.exits = walk.exits
    level.rise = windows.peak
    levels.append(level)
    roots[window] = levels.count - 1
    return levels.count - 1
  }

  private mutating func level(below above: Int, _ frame: Int32) throws -> Int {
    if let known = levels[above].below[frame] { return known }
    var level = Level(mask: levels[above].mask)
    windows.peak = 0
    if let cursor = try windows.enter(state: frame) {
      var walk = Walk(vocabulary: trie.vocabulary)
      walk.words = level.mask.words
      for exit in levels[above].exits {
        if windows.hasEnd(cursor.window) { walk.exits.append(exit) }
        let node = trie.nodes[Int(exit)]
        try self.walk(cursor, exit + 1..<node.end, depth: Int(node.depth), &walk)
      }
      level.mask = TokenMask(words: walk.words, vocabulary: trie.vocabulary)
      level.exits = walk.exits
      level.rise = windows.peak
    }
    levels.append(level)
    levels[above].below[frame] = levels.count - 1
    return levels.count - 1
  }

  /// The mask of one cursor, with its own stack: near the limit of depth.
  private mutating func directMask(_ cursor: Cursor) throws -> TokenMask {
    var walk = Walk(vocabulary: trie.vocabulary)
    try self.walk(cursor, 0..<Int32(trie.nodes.count), depth: 0, &walk)
    return TokenMask(words: walk.words, vocabulary: trie.vocabulary)
  }

  private mutating func forgetIfFull() {
    let bytes = levels.count * (trie.vocabulary / 8 + 256)
    guard bytes > windows.limits.maskBytes else { return }
    levels = []
    roots = [:]
  }

  private struct Walk {
    var words: [UInt64]
    var exits: [Int32] = []

    init(vocabulary: Int) { words = [UInt64](repeating: 0, count: (vocabulary + 63) / 64) }

    @inline(__always)
    mutating func allow(_ token: Int32) { words[Int(token) >> 6] |= 1 << UInt64(token & 63) }
  }

  /// Allows the tokens of a range of nodes that the grammar lets pass from `cursor` on, which stands
  /// at `depth`; skips the subtrees that it does not.
  private mutating func walk(
    _ cursor: Cursor, _ range: Range<Int32>, depth: Int, _ walk: inout Walk
  ) throws {
    windowAt[depth] = cursor.window
    stackAt[depth] = cursor.stack
    var index = range.lowerBound
    while index < range.upperBound {
      let node = trie.nodes[Int(index)]
      let depth = Int(node.depth)
      var next = Cursor(window: windowAt[depth - 1], stack: stackAt[depth - 1])
      let code = try windows.code(next.window, node.byte)
      if code >= 0 {
        next.window = code
      } else {
        guard try windows.follow(code, &next) else {
          index = node.end
          continue
        }
        if next.stack == 0 && windows.hasEnd(next.window) { walk.exits.append(index) }
      }
      windowAt[depth] = next.window
      stackAt[depth] = next.stack
      trie.forEachToken(of: node) { walk.allow($0) }
      index += 1
    }
  }
}
