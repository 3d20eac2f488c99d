internal import PrimerTokenizers

/// The tokens of a vocabulary as a tree of their bytes, in flat arrays in the order in which a walk
/// visits them. Special tokens and empty ones are left out.
struct TokenTrie: Sendable {
  struct Node: Sendable {
    /// The first node behind this one's subtree.
    var end: Int32
    /// The token that ends here; -1: none; below: list -2 - token of `alike`.
    var token: Int32
    /// From 1.
    let depth: UInt16
    let byte: UInt8
  }

  private(set) var nodes: [Node] = []
  /// Tokens of the same bytes.
  private(set) var alike: [[Int32]] = []
  /// Tokens of the vocabulary, those without bytes included.
  let vocabulary: Int
  /// Bytes of the longest token.
  private(set) var depth = 0
  let loops = LoopCache()
  private let bytes: [UInt8]
  private let starts: [Int32]

  init(_ tokenizer: Tokenizer) {
    self.init((0..<Int32(tokenizer.vocabularySize)).map { tokenizer.textBytes(of: $0) })
  }

  /// `tokens[t]` are the bytes of token t; none: it is never allowed.
  init(_ tokens: [[UInt8]]) {
    vocabulary = tokens.count
    var starts: [Int32] = [0]
    starts.reserveCapacity(tokens.count + 1)
    var bytes: [UInt8] = []
    for token in tokens {
      // Longer than any word: not worth a deep tree.
      if token.count <= Int(UInt16.max) { bytes += token }
      starts.append(Int32(bytes.count))
    }
    self.bytes = bytes
    self.starts = starts
    build()
  }

  func bytes(of token: Int32) -> ArraySlice<UInt8> {
    guard token >= 0, Int(token) < vocabulary else { return [] }
    return bytes[Int(starts[Int(token)])..<Int(starts[Int(token) + 1])]
  }

  /// Calls `body` with the tokens that end at a node.
  @inline(__always)
  func forEachToken(of node: Node, _ body: (Int32) -> Void) {
    if node.token >= 0 {
      body(node.token)
    } else if node.token < -1 {
      for token in alike[Int(-2 - node.token)] { body(token) }
    }
  }

  private mutating func build() {
    var order: [(key: UInt64, token: Int32)] = []
    order.reserveCapacity(vocabulary)
    for token in 0..<Int32(vocabulary) {
      let spelling = bytes(of: token)
      guard !spelling.isEmpty else { continue }
      var key: UInt64 = 0
      for byte in spelling.prefix(8) { key = key << 8 | UInt64(byte) }
      order.append((key << UInt64(8 * max(0, 8 - spelling.count)), token))
    }
    order.sort { first, second in
      if first.key != second.key { return first.key < second.key }
      let (a, b) = (bytes(of: first.token), bytes(of: second.token))
      if a.count <= 8, b.count <= 8, a.count != b.count { return a.count < b.count }
      return a.elementsEqual(b) ? first.token < second.token : a.lexicographicallyPrecedes(b)
    }
    nodes.reserveCapacity(2 * order.count)
    var path: [Int] = []
    var previous: ArraySlice<UInt8> = []
    for (_, token) in order {
      let spelling = bytes(of: token)
      let shared = zip(previous, spelling).prefix { $0 == $1 }.count
      for node in path[shared...] { nodes[node].end = Int32(nodes.count) }
      path.removeLast(path.count - shared)
      for byte in spelling.dropFirst(shared) {
        path.append(nodes.count)
        nodes.append(Node(end: 0, token: -1, depth: UInt16(path.count), byte: byte))
      }
      add(token, at: path[path.count - 1])
      depth = max(depth, path.count)
      previous = spelling
    }
    for node in path { nodes[node].end = Int32(nodes.count) }
  }

  private mutating func add(_ token: Int32, at node: Int) {
    let known = nodes[node].token
    if known == -1 {
      nodes[node].token = token
    } else if known >= 0 {
      alike.append([known, token])
      nodes[node].token = Int32(-1 - alike.count)
    } else {
      alike[Int(-2 - known)].append(token)
    }
  }
}
