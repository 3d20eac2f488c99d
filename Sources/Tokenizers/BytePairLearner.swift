/// Merges the most frequent pair of tokens over distinct words, and keeps the counts of all pairs
/// up to date.
struct BytePairLearner {
  /// The bytes of each token: single bytes in GPT-2's order, then what was learned.
  private(set) var tokens: [[UInt8]] = ByteAlphabet.order.map { [$0] }
  private(set) var merges: [BytePairMerge] = []

  /// The tokens of all words, each word in `lengths[word]` places from `starts[word]`.
  private var symbols: [Int32] = []
  private var starts: [Int] = []
  private var lengths: [Int32] = []
  private let counts: [Int]

  private var pairs = PairCounts()
  private var heap: [HeapEntry] = []
  /// The first 8 bytes of each token, the first one on top.
  private var prefixes: [UInt64] = []

  private struct HeapEntry {
    var count: Int
    var pair: Int32
  }

  init(_ words: WordCounts) {
    counts = words.counts
    var byteTokens = [Int32](repeating: 0, count: 256)
    for (id, byte) in ByteAlphabet.order.enumerated() { byteTokens[Int(byte)] = Int32(id) }
    symbols = words.words.bytes.map { byteTokens[Int($0)] }
    starts = words.words.starts
    lengths = (0..<words.words.count).map {
      Int32(words.words.starts[$0 + 1] - words.words.starts[$0])
    }
    prefixes = tokens.map(Self.prefix)
    for word in 0..<lengths.count {
      let start = starts[word]
      for i in start..<max(start, start + Int(lengths[word]) - 1) {
        pairs.add(symbols[i], symbols[i + 1], counts[word], word: Int32(word))
      }
    }
    heap = pairs.created.map { HeapEntry(count: pairs.count(of: $0), pair: $0) }
    pairs.created.removeAll()
    for i in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(i) }
  }

  /// Learns up to `count` merges; fewer where no pair is left.
  mutating func learn(_ count: Int) {
    while merges.count < count, let pair = mostFrequent() { merge(pair) }
  }

  /// The most frequent pair. Counts in the heap are outdated, but never too low: a pair only gets
  /// rarer once it is there.
  private mutating func mostFrequent() -> Int32? {
    while let top = heap.first {
      let count = pairs.count(of: top.pair)
      if count == top.count && count > 0 { return top.pair }
      if count > 0 {
        heap[0].count = count
      } else {
        let last = heap.removeLast()
        if heap.isEmpty { return nil }
        heap[0] = last
      }
      sink(0)
    }
    return nil
  }

  private mutating func merge(_ pair: Int32) {
    let (left, right) = pairs.tokens(of: pair)
    let result = Int32(tokens.count)
    tokens.append(tokens[Int(left)] + tokens[Int(right)])
    prefixes.append(Self.prefix(tokens[Int(result)]))
    merges.append(BytePairMerge(left: left, right: right, result: result))
    var node = pairs.firstWord(of: pair)
    while let word = pairs.next(&node) { merge(left, right, into: result, word: word) }
    pairs.remove(pair)
    for created in pairs.created where pairs.count(of: created) > 0 {
      heap.append(HeapEntry(count: pairs.count(of: created), pair: created))
      rise(heap.count - 1)
    }
    pairs.created.removeAll(keepingCapacity: true)
  }

  private mutating func merge(_ left: Int32, _ right: Int32, into result: Int32, word: Int32) {
    let start = starts[Int(word)]
    let end = start + Int(lengths[Int(word)])
    let count = counts[Int(word)]
    var read = start
    var write = start
    while read < end {
      guard read + 1 < end, symbols[read] == left, symbols[read + 1] == right else {
        symbols[write] = symbols[read]
        read += 1
        write += 1
        continue
      }
      if write > start {
        pairs.subtract(symbols[write - 1], left, count)
        pairs.add(symbols[write - 1], result, count, word: word)
      }
      if read + 2 < end {
        pairs.subtract(right, symbols[read + 2], count)
        pairs.add(result, symbols[read + 2], count, word: word)
      }
      symbols[write] = result
      read += 2
      write += 1
    }
    lengths[Int(word)] = Int32(write - start)
  }

  private static func prefix(_ bytes: [UInt8]) -> UInt64 {
    (0..<8).reduce(0) { $0 << 8 | ($1 < bytes.count ? UInt64(bytes[$1]) : 0) }
  }

  /// Whether the bytes of a token come after those of another one.
  private func isAfter(_ a: Int32, _ b: Int32) -> Bool {
    let (first, second) = (prefixes[Int(a)], prefixes[Int(b)])
    if first != second { return first > second }
    return tokens[Int(b)].lexicographicallyPrecedes(tokens[Int(a)])
  }

  private func isBefore(_ a: HeapEntry, _ b: HeapEntry) -> Bool {
    if a.count != b.count { return a.count > b.count }
    let (first, second) = (pairs.tokens(of: a.pair), pairs.tokens(of: b.pair))
    if first.left != second.left { return isAfter(first.left, second.left) }
    return first.right != second.right && isAfter(first.right, second.right)
  }

  private mutating func sink(_ start: Int) {
    let entry = heap[start]
    var parent = start
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count && isBefore(heap[child + 1], heap[child]) { child += 1 }
      if !isBefore(heap[child], entry) { break }
      heap[parent] = heap[child]
      parent = child
    }
    heap[parent] = entry
  }

  private mutating func rise(_ start: Int) {
    let entry = heap[start]
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      if !isBefore(entry, heap[parent]) { break }
      heap[child] = heap[parent]
      child = parent
    }
    heap[child] = entry
  }
}

/// How often each pair of tokens occurs, and in which words it was seen.
struct PairCounts {
  /// Pairs that are new since the list was emptied.
  var created: [Int32] = []

  private var keys: [UInt64] = []
  private var totals: [Int] = []
  /// The list of words of each pair, as a chain in `chain`.
  private var heads: [Int32] = []
  private var chain: [Link] = []
  /// Number of the pair in each slot; -1 where it is free.
  private var slots = [Int32](repeating: -1, count: 1 << 12)

  private struct Link {
    var word: Int32
    var next: Int32
  }

  func count(of pair: Int32) -> Int { totals[Int(pair)] }

  func tokens(of pair: Int32) -> (left: Int32, right: Int32) {
    let key = keys[Int(pair)]
    return (Int32(truncatingIfNeeded: key >> 32), Int32(truncatingIfNeeded: key))
  }

  func firstWord(of pair: Int32) -> Int32 { heads[Int(pair)] }

  /// The word at a place of the chain, which moves on; nil at the end.
  func next(_ link: inout Int32) -> Int32? {
    guard link >= 0 else { return nil }
    let found = chain[Int(link)]
    link = found.next
    return found.word
  }

  mutating func add(_ left: Int32, _ right: Int32, _ count: Int, word: Int32) {
    let pair = number(PairTable.key(left, right))
    totals[pair] += count
    let head = heads[pair]
    if head < 0 || chain[Int(head)].word != word {
      heads[pair] = Int32(chain.count)
      chain.append(Link(word: word, next: head))
    }
  }

  mutating func subtract(_ left: Int32, _ right: Int32, _ count: Int) {
    totals[number(PairTable.key(left, right))] -= count
  }

  mutating func remove(_ pair: Int32) { totals[Int(pair)] = 0 }

  /// The number of a pair, which is created where it is new.
  private mutating func number(_ key: UInt64) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: PairTable.hash(key)) & mask
    while slots[slot] >= 0 {
      if keys[Int(slots[slot])] == key { return Int(slots[slot]) }
      slot = (slot + 1) & mask
    }
    let number = keys.count
    slots[slot] = Int32(number)
    keys.append(key)
    totals.append(0)
    heads.append(-1)
    created.append(Int32(number))
    if 2 * keys.count > slots.count { grow() }
    return number
  }

  private mutating func grow() {
    let wider = [Int32](repeating: -1, count: slots.count * 2)
    slots = wider
    let mask = slots.count - 1
    for (number, key) in keys.enumerated() {
      var slot = Int(truncatingIfNeeded: PairTable.hash(key)) & mask
      while slots[slot] >= 0 { slot = (slot + 1) & mask }
      slots[slot] = Int32(number)
    }
  }
}
