/// The smallest of whole numbers first: a radix heap (Ahuja, Mehlhorn, Orlin & Tarjan 1990), linear in
/// the number of entries as long as none is smaller than the last one taken.
///
/// So it is for merges: what a token takes part in ranks behind the merge that made it, in every
/// vocabulary that was learnt. In one that was not, the entries are sorted into their buckets anew.
struct RankQueue {
  /// Entries whose highest bit that differs from `last` is bit i - 1; those equal to it in bucket 0.
  private var buckets = [[UInt64]](repeating: [], count: 65)
  /// Which of the buckets 1... hold something.
  private var occupied: UInt64 = 0
  private var last: UInt64 = 0
  /// Entries put into a bucket so far.
  private(set) var steps = 0

  mutating func push(_ entry: UInt64) {
    if entry < last { restart(at: entry) }
    place(entry)
  }

  mutating func pop() -> UInt64? {
    if buckets[0].isEmpty {
      guard occupied != 0 else { return nil }
      let number = occupied.trailingZeroBitCount + 1
      var entries: [UInt64] = []
      swap(&entries, &buckets[number])
      occupied &= occupied - 1
      last = entries.min()!
      for entry in entries { place(entry) }
      entries.removeAll(keepingCapacity: true)
      swap(&entries, &buckets[number])
    }
    return buckets[0].removeLast()
  }

  /// Ready for other entries, which start from 0.
  mutating func removeAll(keepingCapacity: Bool) {
    for number in buckets.indices { buckets[number].removeAll(keepingCapacity: keepingCapacity) }
    (occupied, last, steps) = (0, 0, 0)
  }

  @inline(__always)
  private mutating func place(_ entry: UInt64) {
    let number = 64 - (entry ^ last).leadingZeroBitCount
    buckets[number].append(entry)
    if number > 0 { occupied |= 1 << UInt64(number - 1) }
    steps += 1
  }

  private mutating func restart(at entry: UInt64) {
    let entries = buckets.flatMap { $0 }
    let before = steps
    removeAll(keepingCapacity: true)
    (last, steps) = (entry, before)
    for entry in entries { place(entry) }
  }
}
