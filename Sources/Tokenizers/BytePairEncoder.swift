// Unsafe pointers: see ByteTables.swift.

/// What the encoder looks up, gathered so that its loop touches no class.
struct BytePairTables {
  let byteTokens: [Int32]
  let pairs: PairTable
  var pieces = PieceTable.none
  var longPieces = ByteStringTable()
  var longTokens: [Int32] = []
}

/// The encoder's buffers, used by one call at a time.
final class BytePairScratch {
  /// Tokens of a piece that is not one token itself, remembered.
  fileprivate struct Remembered {
    var low: UInt64 = 0
    var high: UInt64 = 0
    var count: Int32 = 0
    var ids = InlineArray<7, Int32>(repeating: 0)
  }

  fileprivate let rememberedMask: UInt64
  /// Where the text of no bytes begins.
  fileprivate let nowhere: UnsafeMutablePointer<UInt8>
  fileprivate let pairMerges: UnsafeMutablePointer<UInt64>
  fileprivate let pieceEnds: UnsafeMutablePointer<Int>
  fileprivate let remembered: UnsafeMutablePointer<Remembered>
  fileprivate var output: UnsafeMutablePointer<Int32>
  fileprivate var capacity = 1024
  fileprivate var links: [PieceLink] = []
  fileprivate var queue = RankQueue()
  /// Steps that the long merges took since the start: entries that their queue moved.
  private(set) var queueSteps = 0

  /// `remembering` pieces, a power of two.
  init(remembering count: Int = 1 << 14) {
    rememberedMask = UInt64(count - 1)
    output = .allocate(capacity: capacity)
    nowhere = .allocate(capacity: 1)
    pairMerges = .allocate(capacity: BytePairEncoder.shortPiece)
    pieceEnds = .allocate(capacity: BytePairEncoder.pieceRoom)
    remembered = .allocate(capacity: count)
    remembered.initialize(repeating: Remembered(), count: count)
  }

  deinit {
    output.deallocate()
    nowhere.deallocate()
    pairMerges.deallocate()
    pieceEnds.deallocate()
    remembered.deallocate()
  }

  /// The tokens of `bytes` as one piece.
  func merge(_ bytes: ArraySlice<UInt8>, with tables: BytePairTables) -> [Int32] {
    bytes.withUnsafeBufferPointer { buffer in
      var encoder = BytePairEncoder(buffer, tables, self)
      encoder.mergePiece(0, buffer.count)
      return encoder.finish()
    }
  }

  /// The tokens of the pieces of `text` between `start` and `end`.
  func encode(
    _ text: Span<UInt8>, _ start: Int, _ end: Int, _ pattern: SplitPattern,
    with tables: BytePairTables
  ) -> [Int32] {
    text.withUnsafeBufferPointer { buffer in
      var encoder = BytePairEncoder(buffer, tables, self)
      encoder.begin(start)
      pattern.scan(buffer.span, start, end) { encoder.note($1) }
      encoder.appendNoted()
      return encoder.finish()
    }
  }

  fileprivate func grow(_ used: Int, _ needed: Int) {
    let wider = max(2 * capacity, used + needed)
    let copy = UnsafeMutablePointer<Int32>.allocate(capacity: wider)
    copy.update(from: output, count: used)
    output.deallocate()
    output = copy
    capacity = wider
  }

  /// Gives back what an unusually long text needed.
  func trim() {
    if capacity > 1 << 22 {
      output.deallocate()
      capacity = 1024
      output = .allocate(capacity: capacity)
    }
    if links.capacity > 1 << 18 {
      links = []
      queue = RankQueue()
    }
  }

  fileprivate func countSteps(_ steps: Int) { queueSteps += steps }
}

/// A token of a long piece while it is merged.
private struct PieceLink {
  var id: Int32
  var previous: Int32
  var next: Int32
  /// The merge with the next token, as `PairTable` has it.
  var merge: UInt64
}

/// Encodes the pieces of one text; lives no longer than the text's pointer.
private struct BytePairEncoder {
  /// Up to here the lowest rank is found by looking at all pairs, beyond by a queue.
  fileprivate static let shortPiece = 40
  /// Pieces are found first and looked up together: so the processor waits for several of them at once.
  fileprivate static let pieceRoom = 512

  private let text: UnsafePointer<UInt8>
  private let textCount: Int
  private let tables: BytePairTables
  private let scratch: BytePairScratch
  private let pieceSlots: UnsafeMutablePointer<PieceTable.Slot>
  private let pieceMask: UInt64
  private let pairSlots: UnsafeMutablePointer<PairTable.Slot>
  private let pairMask: UInt64
  private let remembered: UnsafeMutablePointer<BytePairScratch.Remembered>
  private let rememberedMask: UInt64
  private let pairMerges: UnsafeMutablePointer<UInt64>
  private let pieceEnds: UnsafeMutablePointer<Int>
  private var pieceCount = 0
  private var pieceStart = 0
  private var output: UnsafeMutablePointer<Int32>
  private var capacity: Int
  private var count = 0

  init(
    _ text: UnsafeBufferPointer<UInt8>, _ tables: BytePairTables, _ scratch: BytePairScratch
  ) {
    self.text = text.baseAddress ?? UnsafePointer(scratch.nowhere)
    textCount = text.count
    self.tables = tables
    self.scratch = scratch
    pieceSlots = tables.pieces.slots
    pieceMask = tables.pieces.mask
    pairSlots = tables.pairs.slots
    pairMask = tables.pairs.mask
    remembered = scratch.remembered
    rememberedMask = scratch.rememberedMask
    pairMerges = scratch.pairMerges
    pieceEnds = scratch.pieceEnds
    output = scratch.output
    capacity = scratch.capacity
  }

  func finish() -> [Int32] { Array(UnsafeBufferPointer(start: output, count: count)) }

  /// The first piece begins at `start`.
  mutating func begin(_ start: Int) { pieceStart = start }

  /// A piece ends at `end`, and the next one begins.
  @inline(__always)
  mutating func note(_ end: Int) {
    pieceEnds[pieceCount] = end
    pieceCount &+= 1
    if pieceCount == Self.pieceRoom { appendNoted() }
  }

  /// Adds the tokens of the pieces that were noted.
  @inline(never)
  mutating func appendNoted() {
    var start = pieceStart
    for piece in 0..<pieceCount {
      let end = pieceEnds[piece]
      append(start, end)
      start = end
    }
    pieceStart = start
    pieceCount = 0
  }

  /// Adds the tokens of the piece between `start` and `end`.
  @inline(__always)
  mutating func append(_ start: Int, _ end: Int) {
    let length = end &- start
    if count &+ length > capacity { grow(length) }
    guard length <= ShortKey.maximum else { return appendLong(start, length) }
    let key = ShortKey(text + start, length, readable: textCount &- start)
    let hash = key.hash
    var slot = hash & pieceMask
    while true {
      let found = pieceSlots[Int(truncatingIfNeeded: slot)]
      if found.low == key.low && found.high == key.high {
        output[count] = found.id
        count &+= 1
        return
      }
      if found.id < 0 { break }
      slot = (slot &+ 1) & pieceMask
    }
    appendRemembered(key, hash, start, length)
  }

  @inline(never)
  private mutating func grow(_ length: Int) {
    scratch.grow(count, count + length)
    output = scratch.output
    capacity = scratch.capacity
  }

  @inline(never)
  private mutating func appendLong(_ start: Int, _ length: Int) {
    let piece = UnsafeBufferPointer(start: text + start, count: length)
    if let number = tables.longPieces.find(piece) {
      output[count] = tables.longTokens[number]
      count += 1
    } else {
      mergePiece(start, length)
    }
  }

  @inline(never)
  private mutating func appendRemembered(
    _ key: ShortKey, _ hash: UInt64, _ start: Int, _ length: Int
  ) {
    let slot = remembered + Int(truncatingIfNeeded: hash >> 20 & rememberedMask)
    if slot.pointee.low == key.low && slot.pointee.high == key.high {
      let known = Int(slot.pointee.count)
      for i in 0..<known { output[count &+ i] = slot.pointee.ids[i] }
      count &+= known
      return
    }
    let before = count
    mergePiece(start, length)
    let added = count - before
    guard added <= 7 else { return }
    slot.pointee.low = key.low
    slot.pointee.high = key.high
    slot.pointee.count = Int32(added)
    for i in 0..<added { slot.pointee.ids[i] = output[before + i] }
  }

  /// Adds what the merges make of `length` bytes; there is room for as many tokens.
  mutating func mergePiece(_ start: Int, _ length: Int) {
    if count + length > capacity { grow(length) }
    if length <= Self.shortPiece {
      mergeShort(start, length)
    } else {
      mergeLong(start, length)
    }
  }

  @inline(__always)
  private func merge(_ left: Int32, _ right: Int32) -> UInt64 {
    let key = PairTable.key(left, right)
    var slot = PairTable.hash(key) & pairMask
    while true {
      let found = pairSlots[Int(truncatingIfNeeded: slot)]
      if found.key == key || found.key == PairTable.none { return found.merge }
      slot = (slot &+ 1) & pairMask
    }
  }

  private mutating func mergeShort(_ start: Int, _ length: Int) {
    let ids = output + count
    for i in 0..<length { ids[i] = tables.byteTokens[Int(text[start + i])] }
    var left = length
    for i in 0..<max(0, left - 1) { pairMerges[i] = merge(ids[i], ids[i + 1]) }
    while left > 1 {
      var best = PairTable.none
      var at = 0
      for i in 0..<left - 1 where pairMerges[i] < best {
        best = pairMerges[i]
        at = i
      }
      if best == PairTable.none { break }
      ids[at] = Int32(truncatingIfNeeded: best)
      left -= 1
      for i in at + 1..<max(at + 1, left) {
        ids[i] = ids[i + 1]
        pairMerges[i - 1] = pairMerges[i]
      }
      if at > 0 { pairMerges[at - 1] = merge(ids[at - 1], ids[at]) }
      if at + 1 < left { pairMerges[at] = merge(ids[at], ids[at + 1]) }
    }
    count += left
  }

  /// By a queue of (rank, position) over a linked list: linear in the length of the piece.
  private mutating func mergeLong(_ start: Int, _ length: Int) {
    var links: [PieceLink] = []
    swap(&links, &scratch.links)
    links.removeAll(keepingCapacity: true)
    links.reserveCapacity(length)
    var queue = RankQueue()
    swap(&queue, &scratch.queue)
    queue.removeAll(keepingCapacity: true)
    for i in 0..<length {
      let id = tables.byteTokens[Int(text[start + i])]
      let next: Int32 = i + 1 < length ? Int32(i + 1) : -1
      let pair =
        next < 0 ? PairTable.none : merge(id, tables.byteTokens[Int(text[start + i + 1])])
      links.append(PieceLink(id: id, previous: Int32(i) - 1, next: next, merge: pair))
      if pair != PairTable.none { queue.push(pair & ~0xFFFF_FFFF | UInt64(i)) }
    }
    while let entry = queue.pop() {
      let at = Int(entry & 0xFFFF_FFFF)
      let pair = links[at].merge
      // A merge beside it, or of it, has changed the pair since.
      if pair == PairTable.none || pair >> 32 != entry >> 32 { continue }
      let gone = Int(links[at].next)
      let next = links[gone].next
      links[at].id = Int32(truncatingIfNeeded: pair)
      links[at].next = next
      links[gone].merge = PairTable.none
      if next >= 0 { links[Int(next)].previous = Int32(at) }
      links[at].merge = next >= 0 ? merge(links[at].id, links[Int(next)].id) : PairTable.none
      if links[at].merge != PairTable.none {
        queue.push(links[at].merge & ~0xFFFF_FFFF | UInt64(at))
      }
      let previous = Int(links[at].previous)
      if previous >= 0 {
        links[previous].merge = merge(links[previous].id, links[at].id)
        if links[previous].merge != PairTable.none {
          queue.push(links[previous].merge & ~0xFFFF_FFFF | UInt64(previous))
        }
      }
    }
    var position: Int32 = 0
    while position >= 0 {
      output[count] = links[Int(position)].id
      count += 1
      position = links[Int(position)].next
    }
    scratch.countSteps(queue.steps)
    swap(&queue, &scratch.queue)
    swap(&links, &scratch.links)
  }
}
