/// The buffers of a SentencePiece encoder, used by one call at a time, and the words it met.
final class SentencePieceScratch {
  struct Remembered {
    var key: (UInt64, UInt64) = (0, 0)
    var count: Int32 = 0
    var ids = InlineArray<7, Int32>(repeating: 0)
  }

  private static let rememberedCount = 1 << 14
  private var words = [Remembered](repeating: Remembered(), count: rememberedCount)
  fileprivate var links: [SentencePieceMerger.Link] = []
  fileprivate var heap = MergeHeap()

  /// The key and the slot of a short word.
  private func place(
    _ text: Span<UInt8>, _ start: Int, _ end: Int
  ) -> (key: (UInt64, UInt64), slot: Int)? {
    guard end - start <= ShortKey.maximum else { return nil }
    let key = text.withUnsafeBufferPointer {
      ShortKey($0.baseAddress! + start, end - start, readable: $0.count - start)
    }
    return ((key.low, key.high), Int(key.hash >> 20 & UInt64(Self.rememberedCount - 1)))
  }

  func remembered(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Remembered? {
    guard let (key, slot) = place(text, start, end), words[slot].key == key else { return nil }
    return words[slot]
  }

  func remember(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ ids: ArraySlice<Int32>) {
    guard ids.count <= 7, let (key, slot) = place(text, start, end) else { return }
    words[slot].key = key
    words[slot].count = Int32(ids.count)
    for (i, id) in ids.enumerated() { words[slot].ids[i] = id }
  }
}

/// Merges one word; time grows as n log n with its length.
struct SentencePieceMerger {
  /// A symbol, and its merge with the next one: the rank above 32 bits, the token below.
  struct Link {
    var id: Int32
    let start: Int
    var end: Int
    var previous: Int32
    var next: Int32
    var merge: UInt64
  }

  struct Symbol {
    let id: Int32
    let start: Int
    let end: Int
  }

  private let model: SentencePieceModel
  private let scratch: SentencePieceScratch

  init(_ model: SentencePieceModel, _ scratch: SentencePieceScratch) {
    self.model = model
    self.scratch = scratch
  }

  /// The symbols that `merge` left, in order.
  func symbols() -> [Symbol] {
    var symbols: [Symbol] = []
    var position: Int32 = scratch.links.isEmpty ? -1 : 0
    while position >= 0 {
      let link = scratch.links[Int(position)]
      symbols.append(Symbol(id: link.id, start: link.start, end: link.end))
      position = link.next
    }
    return symbols
  }

  /// Merges `text` between `start` and `end`.
  func merge(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
    begin(text, start, end)
    var heap = MergeHeap()
    swap(&heap, &scratch.heap)
    heap.removeAll()
    var links: [Link] = []
    swap(&links, &scratch.links)
    for i in 0..<max(0, links.count - 1) {
      links[i].merge = merged(text, links[i], links[i + 1])
      if links[i].merge != PairTable.none { heap.push(links[i].merge & ~0xFFFF_FFFF | UInt64(i)) }
    }
    while let entry = heap.pop() {
      let at = Int(entry & 0xFFFF_FFFF)
      let pair = links[at].merge
      // A merge beside it, or of it, has changed the pair since.
      if pair == PairTable.none || pair >> 32 != entry >> 32 { continue }
      let gone = Int(links[at].next)
      let next = links[gone].next
      links[at].id = Int32(truncatingIfNeeded: pair)
      links[at].end = links[gone].end
      links[at].next = next
      links[gone].merge = PairTable.none
      links[at].merge = PairTable.none
      if next >= 0 {
        links[Int(next)].previous = Int32(at)
        links[at].merge = merged(text, links[at], links[Int(next)])
        if links[at].merge != PairTable.none {
          heap.push(links[at].merge & ~0xFFFF_FFFF | UInt64(at))
        }
      }
      let previous = Int(links[at].previous)
      if previous >= 0 {
        links[previous].merge = merged(text, links[previous], links[at])
        if links[previous].merge != PairTable.none {
          heap.push(links[previous].merge & ~0xFFFF_FFFF | UInt64(previous))
        }
      }
    }
    swap(&links, &scratch.links)
    swap(&heap, &scratch.heap)
  }

  /// Makes a symbol of each character, or of each byte of one that merges do not know.
  private func begin(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
    scratch.links.removeAll(keepingCapacity: true)
    var position = start
    while position < end {
      let length = decodeScalar(text, position, end)?.length ?? 1
      let id = model.token(ofCharacter: text, position, position + length)
      if id < 0, case .merges = model.rule, model.hasBytes {
        for byte in position..<position + length {
          append(model.byteTokens[Int(text[byte])], byte, byte + 1)
        }
      } else {
        append(id, position, position + length)
      }
      position += length
    }
    if let last = scratch.links.indices.last { scratch.links[last].next = -1 }
  }

  private func append(_ id: Int32, _ start: Int, _ end: Int) {
    let index = Int32(scratch.links.count)
    scratch.links.append(
      Link(
        id: id, start: start, end: end, previous: index - 1, next: index + 1,
        merge: PairTable.none))
  }

  /// The merge of two neighbours.
  @inline(__always)
  private func merged(_ text: Span<UInt8>, _ left: Link, _ right: Link) -> UInt64 {
    switch model.rule {
    case .scores(let ranks):
      let id = model.vocabulary.find(text, left.start, right.end)
      return id < 0 ? PairTable.none : UInt64(ranks[Int(id)]) << 32 | UInt64(UInt32(id))
    case .merges(let pairs, _):
      return left.id < 0 || right.id < 0 ? PairTable.none : pairs.merge(left.id, right.id)
    }
  }
}

/// A binary heap, the lowest entry first: by rank, and by place where ranks are alike.
struct MergeHeap {
  private var entries: [UInt64] = []

  mutating func removeAll() { entries.removeAll(keepingCapacity: entries.capacity < 1 << 18) }

  mutating func push(_ entry: UInt64) {
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
    guard let first = entries.first, let last = entries.popLast() else { return nil }
    guard !entries.isEmpty else { return first }
    var parent = 0
    while true {
      var child = 2 * parent + 1
      if child >= entries.count { break }
      if child + 1 < entries.count && entries[child + 1] < entries[child] { child += 1 }
      if entries[child] >= last { break }
      entries[parent] = entries[child]
      parent = child
    }
    entries[parent] = last
    return first
  }
}
