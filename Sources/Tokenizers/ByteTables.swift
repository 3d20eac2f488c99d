// Unsafe pointers live in this file and in BytePairEncoder.swift: what a language model reads
// passes through these loops byte by byte, and bounds checks, retain counts and exclusivity checks
// cost half of their speed.

/// Key of a piece of at most 15 bytes: the bytes, filled up with zeros, and the length at the top.
struct ShortKey: Equatable {
  static let maximum = 15
  let low: UInt64
  let high: UInt64

  /// Of `length` bytes at `bytes`, of which `readable` may be read.
  @inline(__always)
  init(_ bytes: UnsafePointer<UInt8>, _ length: Int, readable: Int) {
    if readable >= 16 {
      let raw = UnsafeRawPointer(bytes)
      let first = UInt64(littleEndian: raw.loadUnaligned(as: UInt64.self))
      if length <= 8 {
        low = first & (UInt64.max &>> UInt64(truncatingIfNeeded: 64 &- 8 &* length))
        high = UInt64(truncatingIfNeeded: length) &<< 56
      } else {
        let second = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        low = first
        high =
          second & (UInt64.max &>> UInt64(truncatingIfNeeded: 128 &- 8 &* length))
          | UInt64(truncatingIfNeeded: length) &<< 56
      }
    } else {
      var low: UInt64 = 0
      var high = UInt64(length) << 56
      for i in 0..<length {
        if i < 8 {
          low |= UInt64(bytes[i]) << UInt64(8 * i)
        } else {
          high |= UInt64(bytes[i]) << UInt64(8 * (i - 8))
        }
      }
      self.low = low
      self.high = high
    }
  }

  @inline(__always)
  var hash: UInt64 { mixed(low ^ 0x9E37_79B9_7F4A_7C15, high ^ 0xC2B2_AE3D_27D4_EB4F) }
}

/// Both halves of a product, folded (the mixing step of wyhash, Wang Yi 2019, public domain).
@inline(__always)
func mixed(_ a: UInt64, _ b: UInt64) -> UInt64 {
  let product = a.multipliedFullWidth(by: b)
  return product.high ^ product.low
}

/// A hash of any number of bytes.
@inline(__always)
func hashOf(_ bytes: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
  var hash = UInt64(truncatingIfNeeded: length) &* 0x9E37_79B9_7F4A_7C15
  let raw = UnsafeRawPointer(bytes)
  var offset = 0
  while offset + 8 <= length {
    let word = raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    hash = mixed(hash ^ word, 0xC2B2_AE3D_27D4_EB4F)
    offset += 8
  }
  var rest: UInt64 = 0
  while offset < length {
    rest = rest << 8 | UInt64(bytes[offset])
    offset += 1
  }
  return mixed(hash ^ rest, 0xFF51_AFD7_ED55_8CCD)
}

func slotCount(for count: Int) -> Int {
  var slots = 16
  while slots < 2 * count { slots *= 2 }
  return slots
}

/// From short pieces to their tokens; fixed once built.
final class PieceTable: @unchecked Sendable {
  // Safe because the slots are written in `init` only.
  struct Slot {
    var low: UInt64
    var high: UInt64
    var id: Int32
  }

  /// Of no pieces.
  static let none = PieceTable([])

  let slots: UnsafeMutablePointer<Slot>
  let mask: UInt64

  /// `pieces` are distinct, none longer than `ShortKey.maximum`.
  init(_ pieces: [(bytes: ArraySlice<UInt8>, id: Int32)]) {
    let count = slotCount(for: pieces.count)
    slots = .allocate(capacity: count)
    slots.initialize(repeating: Slot(low: 0, high: 0, id: -1), count: count)
    mask = UInt64(count - 1)
    for (bytes, id) in pieces {
      let key = bytes.withUnsafeBufferPointer {
        ShortKey($0.baseAddress!, $0.count, readable: $0.count)
      }
      var slot = key.hash & mask
      while slots[Int(slot)].id >= 0 { slot = (slot + 1) & mask }
      slots[Int(slot)] = Slot(low: key.low, high: key.high, id: id)
    }
  }

  deinit { slots.deallocate() }
}

/// From pairs of tokens to their merge: the rank above 32 bits, the merged token below.
final class PairTable: @unchecked Sendable {
  // Safe because the slots are written in `init` only.
  struct Slot {
    var key: UInt64
    var merge: UInt64
  }

  static let none = UInt64.max
  let slots: UnsafeMutablePointer<Slot>
  let mask: UInt64

  /// Merges in the order of their ranks; of two for one pair the last counts, as in Hugging Face's
  /// reader.
  init(_ merges: [BytePairMerge]) {
    let count = slotCount(for: merges.count)
    slots = .allocate(capacity: count)
    slots.initialize(repeating: Slot(key: Self.none, merge: Self.none), count: count)
    mask = UInt64(count - 1)
    for (rank, merge) in merges.enumerated() {
      let key = Self.key(merge.left, merge.right)
      var slot = Self.hash(key) & mask
      while slots[Int(slot)].key != Self.none && slots[Int(slot)].key != key {
        slot = (slot + 1) & mask
      }
      slots[Int(slot)] = Slot(key: key, merge: UInt64(rank) << 32 | UInt64(UInt32(merge.result)))
    }
  }

  deinit { slots.deallocate() }

  /// The merge of two tokens; `none` where there is none.
  @inline(__always)
  func merge(_ left: Int32, _ right: Int32) -> UInt64 {
    let key = Self.key(left, right)
    var slot = Self.hash(key) & mask
    while true {
      let found = slots[Int(truncatingIfNeeded: slot)]
      if found.key == key || found.key == Self.none { return found.merge }
      slot = (slot &+ 1) & mask
    }
  }

  @inline(__always)
  static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  @inline(__always)
  static func hash(_ key: UInt64) -> UInt64 {
    let product = key &* 0x9E37_79B9_7F4A_7C15
    return product ^ product >> 29
  }
}

/// Distinct byte strings, numbered in the order in which they came.
struct ByteStringTable: Sendable {
  private(set) var bytes: [UInt8] = []
  /// Where each string begins, and last the end.
  private(set) var starts: [Int] = [0]
  /// Upper half of the hash above 32 bits, number below; `UInt64.max` is free.
  private var slots: [UInt64]

  init(capacity: Int = 0) {
    slots = [UInt64](repeating: .max, count: slotCount(for: capacity))
    starts.reserveCapacity(capacity + 1)
  }

  var count: Int { starts.count - 1 }

  subscript(index: Int) -> ArraySlice<UInt8> { bytes[starts[index]..<starts[index + 1]] }

  func find(_ string: UnsafeBufferPointer<UInt8>) -> Int? {
    guard let base = string.baseAddress else { return nil }
    let hash = hashOf(base, string.count)
    let slot = probe(base, string.count, hash)
    return slots[slot] == .max ? nil : Int(slots[slot] & 0xFFFF_FFFF)
  }

  func find(_ string: some Collection<UInt8>) -> Int? {
    if let found = string.withContiguousStorageIfAvailable({ find($0) }) { return found }
    return Array(string).withUnsafeBufferPointer { find($0) }
  }

  /// The number of a string, which is added where it is new. Empty strings are never added.
  @inline(__always)
  mutating func insert(_ base: UnsafePointer<UInt8>, _ length: Int) -> Int {
    let hash = hashOf(base, length)
    let slot = probe(base, length, hash)
    if slots[slot] != .max { return Int(slots[slot] & 0xFFFF_FFFF) }
    return add(base, length, hash, slot)
  }

  /// The number of the string between `start` and `end` of `text`, which is added where it is new.
  @inline(__always)
  mutating func insert(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
    text.withUnsafeBufferPointer { insert($0.baseAddress! + start, end - start) }
  }

  mutating func insert(_ string: some Collection<UInt8>) -> Int {
    let copy = Array(string)
    return copy.withUnsafeBufferPointer { insert($0.baseAddress!, $0.count) }
  }

  @inline(never)
  private mutating func add(
    _ base: UnsafePointer<UInt8>, _ length: Int, _ hash: UInt64, _ slot: Int
  ) -> Int {
    let number = count
    slots[slot] = hash & ~0xFFFF_FFFF | UInt64(number)
    bytes.append(contentsOf: UnsafeBufferPointer(start: base, count: length))
    starts.append(bytes.count)
    if 2 * count > slots.count { grow() }
    return number
  }

  @inline(__always)
  private func probe(_ base: UnsafePointer<UInt8>, _ length: Int, _ hash: UInt64) -> Int {
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash) & mask
    while slots[slot] != .max {
      if slots[slot] >> 32 == hash >> 32 {
        let number = Int(slots[slot] & 0xFFFF_FFFF)
        let start = starts[number]
        if starts[number + 1] - start == length, equal(base, start, length) { break }
      }
      slot = (slot + 1) & mask
    }
    return slot
  }

  @inline(__always)
  private func equal(_ base: UnsafePointer<UInt8>, _ start: Int, _ length: Int) -> Bool {
    for i in 0..<length where bytes[start + i] != base[i] { return false }
    return true
  }

  private mutating func grow() {
    let wider = [UInt64](repeating: .max, count: slots.count * 2)
    slots = wider
    let mask = slots.count - 1
    for number in 0..<count {
      let hash = bytes.withUnsafeBufferPointer {
        hashOf($0.baseAddress! + starts[number], starts[number + 1] - starts[number])
      }
      var slot = Int(truncatingIfNeeded: hash) & mask
      while slots[slot] != .max { slot = (slot + 1) & mask }
      slots[slot] = hash & ~0xFFFF_FFFF | UInt64(number)
    }
  }
}
