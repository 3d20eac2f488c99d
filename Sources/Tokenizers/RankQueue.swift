/// Merges by rank, and by place where they rank alike: a radix heap (Ahuja, Mehlhorn, Orlin & Tarjan
/// 1990) over the ranks. Entries hold the rank in the upper half, the place in the lower.
///
/// Linear in the number of entries as long as none ranks before, or like, the last one taken. So it is
/// for merges: what a token takes part in ranks behind the merge that made it, in every vocabulary
/// that was learnt. In one that was not, the entries are sorted into their buckets anew.
package struct RankQueue {
  /// Entries whose rank's highest bit that differs from `rank` is bit i - 1; those of `rank` in bucket 0.
  private var buckets = [[UInt64]](repeating: [], count: 33)
  /// Which of the buckets 1... hold something.
  private var occupied: UInt64 = 0
  /// The rank that is being taken, from the first `pop` on.
  private var rank: UInt64 = 0
  private var hasBegun = false
  /// How many of bucket 0 are taken.
  private var taken = 0
  /// Entries put into a bucket so far.
  package private(set) var steps = 0

  package init() {}

  package mutating func push(_ entry: UInt64) {
    let own = entry >> 32
    if own < rank || (hasBegun && own == rank) { restart(at: own) }
    place(entry)
  }

  package mutating func pop() -> UInt64? {
    if !hasBegun || taken == buckets[0].count {
      guard advance() else { return nil }
    }
    defer { taken += 1 }
    return buckets[0][taken]
  }

  /// Ready for other entries.
  package mutating func removeAll(keepingCapacity: Bool) {
    for number in buckets.indices { buckets[number].removeAll(keepingCapacity: keepingCapacity) }
    (occupied, rank, hasBegun, taken, steps) = (0, 0, false, 0, 0)
  }

  /// Fills bucket 0 with the lowest rank, by place; false when nothing is left.
  private mutating func advance() -> Bool {
    if hasBegun || buckets[0].isEmpty {
      buckets[0].removeAll(keepingCapacity: true)
      taken = 0
      guard occupied != 0 else { return false }
      let number = occupied.trailingZeroBitCount + 1
      var entries: [UInt64] = []
      swap(&entries, &buckets[number])
      occupied &= occupied - 1
      rank = entries.min()! >> 32
      for entry in entries { place(entry) }
      entries.removeAll(keepingCapacity: true)
      swap(&entries, &buckets[number])
    }
    (hasBegun, taken) = (true, 0)
    // A few rising runs one after another, one for each rank that led here.
    if zip(buckets[0], buckets[0].dropFirst()).contains(where: { $0 > $1 }) { buckets[0].sort() }
    return true
  }

  @inline(__always)
  private mutating func place(_ entry: UInt64) {
    let number = 64 - (entry >> 32 ^ rank).leadingZeroBitCount
    buckets[number].append(entry)
    if number > 0 { occupied |= 1 << UInt64(number - 1) }
    steps += 1
  }

  private mutating func restart(at newRank: UInt64) {
    let entries = buckets[0].dropFirst(taken) + buckets.dropFirst().joined()
    let before = steps
    removeAll(keepingCapacity: true)
    (rank, steps) = (newRank, before)
    for entry in entries { place(entry) }
  }
}
