/// The 64-bit xxHash (Collet, xxhash.com), streaming: against damage and stale caches, not against
/// forgery. `xxhsum -H1` gives the same digits.
package struct XXH64: Sendable {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

  private let seed: UInt64
  private var lanes: SIMD4<UInt64>
  private var tail: [UInt8] = []
  private var length: UInt64 = 0

  package init(seed: UInt64 = 0) {
    self.seed = seed
    lanes = [
      seed &+ Self.prime1 &+ Self.prime2, seed &+ Self.prime2, seed, seed &- Self.prime1,
    ]
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    length &+= UInt64(bytes.count)
    var at = 0
    if !tail.isEmpty {
      at = min(32 - tail.count, bytes.count)
      tail += bytes[..<at]
      guard tail.count == 32 else { return }
      tail.withUnsafeBytes { lanes = Self.rounds(lanes, $0, blocks: 1) }
      tail.removeAll(keepingCapacity: true)
    }
    let blocks = (bytes.count - at) / 32
    lanes = Self.rounds(lanes, UnsafeRawBufferPointer(rebasing: bytes[at...]), blocks: blocks)
    tail += bytes[(at + 32 * blocks)...]
  }

  package mutating func update(_ bytes: some Collection<UInt8>) {
    if bytes.withContiguousStorageIfAvailable({ update(UnsafeRawBufferPointer($0)) }) == nil {
      Array(bytes).withUnsafeBytes { update($0) }
    }
  }

  package var digest: UInt64 {
    var hash: UInt64
    if length >= 32 {
      hash =
        Self.rotate(lanes[0], 1) &+ Self.rotate(lanes[1], 7) &+ Self.rotate(lanes[2], 12)
        &+ Self.rotate(lanes[3], 18)
      for lane in 0..<4 {
        hash = (hash ^ Self.round(0, lanes[lane])) &* Self.prime1 &+ Self.prime4
      }
    } else {
      hash = seed &+ Self.prime5
    }
    hash &+= length
    return tail.withUnsafeBytes { Self.finish(hash, $0) }
  }

  private static func finish(_ start: UInt64, _ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash = start
    var at = 0
    while at + 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      hash = rotate(hash ^ round(0, word), 27) &* prime1 &+ prime4
      at += 8
    }
    if at + 4 <= bytes.count {
      let word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self))
      hash = rotate(hash ^ (UInt64(word) &* prime1), 23) &* prime2 &+ prime3
      at += 4
    }
    while at < bytes.count {
      hash = rotate(hash ^ (UInt64(bytes[at]) &* prime5), 11) &* prime1
      at += 1
    }
    hash = (hash ^ (hash >> 33)) &* prime2
    hash = (hash ^ (hash >> 29)) &* prime3
    return hash ^ (hash >> 32)
  }

  private static func rounds(
    _ lanes: SIMD4<UInt64>, _ bytes: UnsafeRawBufferPointer, blocks: Int
  ) -> SIMD4<UInt64> {
    var (a, b, c, d) = (lanes[0], lanes[1], lanes[2], lanes[3])
    for block in 0..<blocks {
      let at = 32 * block
      a = round(a, UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
      b = round(
        b, UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self)))
      c = round(
        c, UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self)))
      d = round(
        d, UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 24, as: UInt64.self)))
    }
    return [a, b, c, d]
  }

  private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
    rotate(lane &+ word &* prime2, 31) &* prime1
  }

  private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
    value << bits | value >> (64 &- bits)
  }
}

extension XXH64 {
  package static func digest(of bytes: some Collection<UInt8>) -> UInt64 {
    var hash = XXH64()
    hash.update(bytes)
    return hash.digest
  }

  /// Sixteen hexadecimal digits.
  package static func hexadecimal(_ digest: UInt64) -> String {
    let digits = String(digest, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
