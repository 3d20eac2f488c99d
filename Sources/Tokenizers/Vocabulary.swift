// Unsafe pointers: see ByteTables.swift.

/// Tokens by number, as bytes; numbers may be missing.
struct Vocabulary: Sendable {
  /// The bytes of each token; empty where the number is missing.
  let list: StringList
  /// Seven bits of the hash above 24 bits, number below; `UInt32.max` is free.
  private let slots: [UInt32]
  /// The first two numbers, if any, that have the same bytes.
  let duplicate: (first: Int32, second: Int32)?

  /// Of two tokens with the same bytes the first is found by them; tokens for which `isFound` is false, and
  /// empty ones, are not.
  init(_ list: StringList, isFound: (Int) -> Bool = { _ in true }) {
    precondition(list.count <= 1 << 24, "a vocabulary has at most 16777216 tokens")
    self.list = list
    let slotCount = slotCount(for: list.count)
    var duplicate: (first: Int32, second: Int32)?
    slots = [UInt32](unsafeUninitializedCapacity: slotCount) { slots, initialized in
      slots.initialize(repeating: .max)
      initialized = slotCount
      list.bytes.withUnsafeBufferPointer { bytes in
        list.starts.withUnsafeBufferPointer { starts in
          let text = Text(bytes: bytes, starts: starts)
          Self.inParts(text, slotCount, isFound) { hash, id in
            let (base, length) = text[Int(id)]
            let slot = text.probe(UnsafeBufferPointer(slots), base, length, hash)
            if slots[slot] == .max {
              slots[slot] = Self.entry(hash, id)
            } else if duplicate == nil {
              duplicate = (Int32(slots[slot] & 0xFF_FFFF), Int32(id))
            }
          }
        }
      }
    }
    self.duplicate = duplicate
  }

  /// Calls `body` with the hash and the number of each token that is to be found. Tokens go part by part of
  /// the table, so that the processor's caches hold what is written; in a part they keep their order.
  private static func inParts(
    _ text: Text, _ slotCount: Int, _ isFound: (Int) -> Bool, _ body: (UInt64, UInt32) -> Void
  ) {
    let count = max(0, text.starts.count - 1)
    guard count > 0 else { return }
    let partBits = 6
    let shift = max(0, slotCount.trailingZeroBitCount - partBits)
    var ends = [Int](repeating: 0, count: 1 << partBits)
    let hashes = [UInt64](unsafeUninitializedCapacity: count) { hashes, initialized in
      for id in 0..<count {
        let (base, length) = text[id]
        let found = length > 0 && isFound(id)
        let hash = found ? hash(base, length, readable: text.readable(base)) : .max
        hashes[id] = hash
        if found { ends[(Int(truncatingIfNeeded: hash) & (slotCount - 1)) >> shift] += 1 }
      }
      initialized = count
    }
    var total = 0
    for part in ends.indices { (ends[part], total) = (total, total + ends[part]) }
    let order = [UInt32](unsafeUninitializedCapacity: total) { order, initialized in
      for id in 0..<count where hashes[id] != .max {
        let part = (Int(truncatingIfNeeded: hashes[id]) & (slotCount - 1)) >> shift
        order[ends[part]] = UInt32(id)
        ends[part] += 1
      }
      initialized = total
    }
    for id in order { body(hashes[Int(id)], id) }
  }

  @inline(__always)
  private static func entry(_ hash: UInt64, _ id: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: hash >> 57) << 24 | id
  }

  /// A hash of `length` bytes, of which `readable` may be read; never `UInt64.max`.
  @inline(__always)
  private static func hash(
    _ base: UnsafePointer<UInt8>, _ length: Int, readable: Int
  ) -> UInt64 {
    var hash = UInt64(truncatingIfNeeded: length) &* 0x9E37_79B9_7F4A_7C15
    let raw = UnsafeRawPointer(base)
    var offset = 0
    while offset &+ 8 <= length {
      let word = raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      hash = mixed(hash ^ UInt64(littleEndian: word), 0xC2B2_AE3D_27D4_EB4F)
      offset &+= 8
    }
    let left = length &- offset
    var rest: UInt64 = 0
    if left > 0 && offset &+ 8 <= readable {
      let word = raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      rest = UInt64(littleEndian: word) & (UInt64.max &>> UInt64(64 &- 8 &* left))
    } else {
      for i in 0..<left { rest |= UInt64(base[offset &+ i]) &<< UInt64(8 &* i) }
    }
    hash = mixed(hash ^ rest, 0xFF51_AFD7_ED55_8CCD)
    return hash == .max ? 0 : hash
  }

  /// `tokens[id]` are the bytes of a token; empty where the number is missing.
  init(_ tokens: [[UInt8]]) {
    var list = StringList()
    list.reserveCapacity(tokens.count, bytes: tokens.reduce(0) { $0 + $1.count })
    for token in tokens { list.append(token) }
    self.init(list)
  }

  /// The highest number and one.
  var count: Int { list.count }

  func bytes(of id: Int32) -> ArraySlice<UInt8> {
    guard id >= 0, Int(id) < list.count else { return [] }
    return list[Int(id)]
  }

  func id(of bytes: some Collection<UInt8>) -> Int32? {
    let found = bytes.withContiguousStorageIfAvailable {
      find($0.baseAddress, $0.count, readable: $0.count)
    }
    if let found { return found < 0 ? nil : found }
    return id(of: Array(bytes))
  }

  /// The token of `text` between `start` and `end`; -1 where there is none.
  @inline(__always)
  func find(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int32 {
    text.withUnsafeBufferPointer {
      find($0.baseAddress.map { $0 + start }, end - start, readable: $0.count - start)
    }
  }

  /// The token of `length` bytes, of which `readable` may be read; -1 where there is none.
  @inline(__always)
  private func find(_ base: UnsafePointer<UInt8>?, _ length: Int, readable: Int) -> Int32 {
    guard let base, length > 0 else { return -1 }
    let hash = Self.hash(base, length, readable: readable)
    return slots.withUnsafeBufferPointer { slots in
      list.bytes.withUnsafeBufferPointer { bytes in
        list.starts.withUnsafeBufferPointer { starts in
          let text = Text(bytes: bytes, starts: starts)
          let slot = text.probe(slots, base, length, hash)
          return slots[slot] == .max ? -1 : Int32(slots[slot] & 0xFF_FFFF)
        }
      }
    }
  }

  /// Whether the token `id` has the bytes of `text` between `start` and `end`.
  func matches(_ id: Int32, _ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    guard id >= 0, Int(id) < list.count else { return false }
    let own = Int(list.starts[Int(id)])
    guard Int(list.starts[Int(id) + 1]) - own == end - start else { return false }
    for i in 0..<end - start where list.bytes[own + i] != text[start + i] { return false }
    return true
  }

  /// The tokens' bytes, while they are looked at.
  private struct Text {
    let bytes: UnsafeBufferPointer<UInt8>
    let starts: UnsafeBufferPointer<UInt32>

    @inline(__always)
    subscript(id: Int) -> (base: UnsafePointer<UInt8>, length: Int) {
      let start = Int(starts[id])
      let length = Int(starts[id &+ 1]) &- start
      // An empty list has no address, and then no bytes are read.
      let base = bytes.baseAddress ?? UnsafePointer(bitPattern: 1)!
      return (base + start, length)
    }

    @inline(__always)
    func readable(_ base: UnsafePointer<UInt8>) -> Int {
      bytes.count &- (base - bytes.baseAddress!)
    }

    /// The slot of a string, or the free one where it would go.
    @inline(__always)
    func probe(
      _ slots: UnsafeBufferPointer<UInt32>, _ string: UnsafePointer<UInt8>, _ length: Int,
      _ hash: UInt64
    ) -> Int {
      let mask = slots.count &- 1
      let tag = UInt32(truncatingIfNeeded: hash >> 57)
      var slot = Int(truncatingIfNeeded: hash) & mask
      while true {
        let entry = slots[slot]
        if entry == .max { return slot }
        if entry >> 24 == tag {
          let (base, own) = self[Int(entry & 0xFF_FFFF)]
          if own == length {
            var same = 0
            while same < length && base[same] == string[same] { same &+= 1 }
            if same == length { return slot }
          }
        }
        slot = (slot &+ 1) & mask
      }
    }
  }
}
