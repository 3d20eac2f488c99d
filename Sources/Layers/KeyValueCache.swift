public import PrimerTensors

/// Keys and values of the tokens that a model has read, in pages that sequences share: each new
/// token costs one row, and texts that begin alike keep their beginning once.
///
/// One owner runs passes over it, one at a time.
public final class KeyValueCache {
  public let element: CacheElement
  /// One a layer.
  public let layers: [CachePages]
  /// Pages, in use or not.
  public let pageCount: Int
  /// Tokens that no text in it will exceed; models whose positions depend on how long a text may become
  /// (LongRoPE) go by it.
  public let longestText: Int
  package let recordedPasses = RecordedPasses()
  private var free: [Int32]
  /// How many sequences (and others) hold each page.
  private var holders: [Int32]

  /// Room for `pages` pages of `CachePages.tokens` positions in each layer; memory is touched only
  /// as pages are used, or provided before.
  /// - Parameter longestText: nil: all pages.
  public init(
    layers: Int, pages: Int, keyValueHeads: Int, headWidth: Int, element: CacheElement = .float16,
    longestText: Int? = nil
  ) {
    self.element = element
    pageCount = pages
    self.longestText = longestText ?? pages * CachePages.tokens
    self.layers = (0..<layers).map { _ in
      CachePages(element, pages: pages, keyValueHeads: keyValueHeads, headWidth: headWidth)
    }
    free = (0..<Int32(pages)).reversed()
    holders = [Int32](repeating: 0, count: pages)
  }

  /// Pages that nobody holds.
  public var freePages: Int { free.count }

  /// A page of the caller's own; nil when none is left.
  public func takePage() -> Int32? {
    guard let page = free.popLast() else { return nil }
    holders[Int(page)] = 1
    return page
  }

  /// One holder more.
  public func retain(_ page: Int32) { holders[Int(page)] += 1 }

  /// One holder less; the last gives the page back.
  public func release(_ page: Int32) {
    holders[Int(page)] -= 1
    if holders[Int(page)] == 0 { free.append(page) }
  }

  public func isShared(_ page: Int32) -> Bool { holders[Int(page)] > 1 }

  func copy(_ source: Int32, to target: Int32) {
    for layer in layers { layer.copyPage(Int(source), to: Int(target)) }
  }
}

/// One text in a cache: its pages and how many tokens it has read. Gives its pages back when it ends.
public final class CachedSequence {
  public let cache: KeyValueCache
  public private(set) var pages: [Int32] = []
  /// Tokens read.
  public private(set) var length = 0

  public init(_ cache: KeyValueCache) { self.cache = cache }

  /// A text that begins with `length` tokens in `pages`, which are retained.
  public init(_ cache: KeyValueCache, sharing pages: [Int32], length: Int) {
    precondition(pages.count == Self.pageCount(length), "\(pages.count) pages for \(length) tokens")
    self.cache = cache
    self.pages = pages
    self.length = length
    for page in pages { cache.retain(page) }
  }

  deinit {
    for page in pages { cache.release(page) }
  }

  static func pageCount(_ tokens: Int) -> Int {
    (tokens + CachePages.tokens - 1) / CachePages.tokens
  }

  /// Pages that `reserve(count)` would take.
  public func pagesNeeded(for count: Int) -> Int {
    guard count > 0 else { return 0 }
    let sharedTail = length % CachePages.tokens != 0 && cache.isShared(pages[pages.count - 1])
    return max(0, Self.pageCount(length + count) - pages.count) + (sharedTail ? 1 : 0)
  }

  /// Makes room for `count` tokens more; false, and nothing changed, when the cache is full.
  public func reserve(_ count: Int) -> Bool {
    guard pagesNeeded(for: count) <= cache.freePages else { return false }
    guard count > 0 else { return true }
    if length % CachePages.tokens != 0, let last = pages.last, cache.isShared(last) {
      // Copy on write: the rest of the last page is this text's alone.
      let own = cache.takePage()!
      cache.copy(last, to: own)
      cache.release(last)
      pages[pages.count - 1] = own
    }
    while pages.count < Self.pageCount(length + count) { pages.append(cache.takePage()!) }
    return true
  }

  /// Counts `count` tokens as read.
  public func advance(by count: Int) { length += count }

  /// Forgets all but the first `length` tokens.
  public func truncate(to length: Int) {
    self.length = min(length, self.length)
    while pages.count > Self.pageCount(self.length) { cache.release(pages.removeLast()) }
  }

  /// A second text with the same beginning, sharing its pages until either writes.
  public func fork() -> CachedSequence {
    CachedSequence(cache, sharing: Array(pages.prefix(Self.pageCount(length))), length: length)
  }
}

/// The new tokens of one pass: those of the first sequence, then those of the second, and so on.
public struct CachedBatch {
  /// A sequence, and how many new tokens it has.
  public typealias Part = (sequence: CachedSequence, count: Int)

  public let cache: KeyValueCache
  public let parts: [Part]
  public let rows: CacheRows

  /// Room for the tokens must have been reserved.
  public init(_ parts: [Part]) {
    precondition(!parts.isEmpty, "a pass over no sequence")
    cache = parts[0].sequence.cache
    self.parts = parts
    rows = CacheRows(Self.rows(of: parts))
  }

  static func rows(of parts: [Part]) -> [CacheRows.Sequence] {
    parts.map { ($0.sequence.pages, $0.sequence.length, $0.count) }
  }

  /// Counts the tokens as read, once every layer has stored them.
  public func advance() {
    for part in parts { part.sequence.advance(by: part.count) }
  }

  /// Row of each sequence's last new token.
  public var lastRows: [Int32] {
    var row: Int32 = -1
    return parts.map {
      row += Int32($0.count)
      return row
    }
  }
}
