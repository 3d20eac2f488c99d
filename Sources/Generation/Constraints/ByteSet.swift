/// A set of bytes.
struct ByteSet: Hashable, Sendable {
  private var words = SIMD4<UInt64>()

  init() {}

  init(_ range: ClosedRange<UInt8>) { insert(range) }

  init(_ bytes: some Sequence<UInt8>) { for byte in bytes { insert(byte) } }

  var isEmpty: Bool { words == SIMD4() }

  func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1 }

  mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

  mutating func insert(_ range: ClosedRange<UInt8>) { for byte in range { insert(byte) } }

  mutating func formUnion(_ other: ByteSet) { words |= other.words }
}

/// The coarsest division of all bytes in classes that no set of a list cuts through.
struct ByteClasses: Sendable {
  /// The class of each byte.
  let classOf: [UInt8]
  /// A byte of each class.
  let representatives: [UInt8]
  var count: Int { representatives.count }

  init(_ sets: [ByteSet]) {
    var classes = [Int](repeating: 0, count: 256)
    var count = 1
    for set in sets where count < 256 {
      var numbers: [Int: Int] = [:]
      for byte in 0..<256 {
        let key = classes[byte] * 2 + (set.contains(UInt8(byte)) ? 1 : 0)
        classes[byte] = numbers[key] ?? numbers.count
        if numbers[key] == nil { numbers[key] = numbers.count }
      }
      count = numbers.count
    }
    classOf = classes.map { UInt8($0) }
    representatives = (0..<count).map { number in UInt8(classes.firstIndex(of: number)!) }
  }
}
