/// The smallest of whole numbers first (Williams 1964), in a buffer that is lent.
struct RankHeap {
  private var entries: [UInt64] = []
  private(set) var steps = 0

  init(_ buffer: inout [UInt64]) {
    swap(&entries, &buffer)
    entries.removeAll(keepingCapacity: true)
  }

  mutating func take() -> [UInt64] {
    var lent: [UInt64] = []
    swap(&lent, &entries)
    return lent
  }

  /// Adds without order; `order` comes before the first `pop`.
  mutating func add(_ entry: UInt64) { entries.append(entry) }

  mutating func order() {
    for i in stride(from: entries.count / 2 - 1, through: 0, by: -1) { sink(i) }
  }

  mutating func push(_ entry: UInt64) {
    steps += 1
    entries.append(entry)
    var child = entries.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      if entries[parent] <= entry { break }
      entries[child] = entries[parent]
      child = parent
    }
    entries[child] = entry
  }

  mutating func pop() -> UInt64? {
    guard let top = entries.first else { return nil }
    steps += 1
    let last = entries.removeLast()
    if !entries.isEmpty {
      entries[0] = last
      sink(0)
    }
    return top
  }

  private mutating func sink(_ start: Int) {
    let entry = entries[start]
    var parent = start
    while true {
      var child = 2 * parent + 1
      guard child < entries.count else { break }
      if child + 1 < entries.count && entries[child + 1] < entries[child] { child += 1 }
      if entry <= entries[child] { break }
      entries[parent] = entries[child]
      parent = child
    }
    entries[parent] = entry
  }
}
