internal import PrimerLayers
internal import PrimerTensors

/// Beginnings of earlier texts that are still in the key-value cache: a radix tree of whole pages.
///
/// A page belongs to the tokens on the way to it. Texts share pages and copy what they write to.
struct PrefixCache {
  private final class Node {
    let tokens: [Int32]
    let page: Int32
    weak var parent: Node?
    var children: [[Int32]: Node] = [:]
    var lastUse: Int

    init(_ tokens: [Int32], page: Int32, parent: Node?, lastUse: Int) {
      self.tokens = tokens
      self.page = page
      self.parent = parent
      self.lastUse = lastUse
    }
  }

  private let cache: KeyValueCache
  private let root = Node([], page: -1, parent: nil, lastUse: 0)
  private var time = 0
  /// Pages in the tree.
  private(set) var pageCount = 0

  /// Fewer tokens of a page are read again rather than copied.
  private static let leastPart = 8
  /// Children of a node that are looked at for a part of a page.
  private static let mostChildren = 64

  init(_ cache: KeyValueCache) { self.cache = cache }

  /// A sequence that has read as much of `tokens` as the tree knows.
  mutating func sequence(beginningOf tokens: ArraySlice<Int32>) -> CachedSequence {
    time += 1
    var node = root
    var pages: [Int32] = []
    var rest = tokens
    while rest.count >= CachePages.tokens,
      let child = node.children[Array(rest.prefix(CachePages.tokens))]
    {
      child.lastUse = time
      pages.append(child.page)
      rest = rest.dropFirst(CachePages.tokens)
      node = child
    }
    var length = pages.count * CachePages.tokens
    if let (child, shared) = Self.longestPart(of: rest, in: node) {
      child.lastUse = time
      pages.append(child.page)
      length += shared
    }
    return CachedSequence(cache, sharing: pages, length: length)
  }

  private static func longestPart(of rest: ArraySlice<Int32>, in node: Node) -> (Node, Int)? {
    let parts = node.children.values.prefix(mostChildren).map { child in
      (child, zip(child.tokens, rest).prefix { $0 == $1 }.count)
    }
    return parts.max { $0.1 < $1.1 }.flatMap { $0.1 >= leastPart ? $0 : nil }
  }

  /// Keeps the whole pages of what a sequence has read of `tokens`.
  mutating func insert(_ tokens: [Int32], _ sequence: CachedSequence) {
    time += 1
    var node = root
    for index in 0..<sequence.length / CachePages.tokens {
      let start = index * CachePages.tokens
      let key = Array(tokens[start..<start + CachePages.tokens])
      if let child = node.children[key] {
        child.lastUse = time
        node = child
        continue
      }
      let page = sequence.pages[index]
      let child = Node(key, page: page, parent: node, lastUse: time)
      cache.retain(page)
      node.children[key] = child
      node = child
      pageCount += 1
    }
  }

  /// Forgets what was not used for longest until `pages` pages are free, and some more, so that it does
  /// not come to this every time; what texts hold stays theirs.
  mutating func free(_ pages: Int) {
    let wanted = pages + cache.pageCount / 16
    guard cache.freePages < wanted else { return }
    var leaves: [Node] = []
    Self.collectLeaves(root, &leaves)
    leaves.removeAll { cache.isShared($0.page) }
    // The oldest is the last.
    leaves.sort { $0.lastUse > $1.lastUse }
    while cache.freePages < wanted, let leaf = leaves.popLast() {
      let parent = leaf.parent!
      parent.children[leaf.tokens] = nil
      cache.release(leaf.page)
      pageCount -= 1
      // A page is no older than those behind it, but it may be older than other leaves.
      guard parent.children.isEmpty, parent.page >= 0, !cache.isShared(parent.page) else {
        continue
      }
      let place = leaves.lastIndex { $0.lastUse >= parent.lastUse }.map { $0 + 1 } ?? 0
      leaves.insert(parent, at: place)
    }
  }

  private static func collectLeaves(_ node: Node, _ leaves: inout [Node]) {
    if node.children.isEmpty && node.page >= 0 { leaves.append(node) }
    for child in node.children.values { collectLeaves(child, &leaves) }
  }
}
