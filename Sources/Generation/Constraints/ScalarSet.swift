/// A set of Unicode scalars: ranges in order, apart from each other, without surrogates.
struct ScalarSet: Hashable, Sendable {
  private(set) var ranges: [ClosedRange<UInt32>]

  static let all = ScalarSet([0...0xD7FF, 0xE000...0x10FFFF])

  init(_ list: [ClosedRange<UInt32>] = []) {
    var ranges: [ClosedRange<UInt32>] = []
    let parts = list.flatMap(Self.withoutSurrogates).sorted { $0.lowerBound < $1.lowerBound }
    for range in parts {
      if let last = ranges.last, range.lowerBound <= last.upperBound + 1 {
        let upper = max(last.upperBound, range.upperBound)
        ranges[ranges.count - 1] = last.lowerBound...upper
      } else {
        ranges.append(range)
      }
    }
    self.ranges = ranges
  }

  init(_ text: String) { self.init(text.unicodeScalars.map { $0.value...$0.value }) }

  private static func withoutSurrogates(_ range: ClosedRange<UInt32>) -> [ClosedRange<UInt32>] {
    let (low, high) = (range.lowerBound, min(range.upperBound, 0x10FFFF))
    guard low <= high else { return [] }
    guard low <= 0xDFFF, high >= 0xD800 else { return [low...high] }
    return (low < 0xD800 ? [low...0xD7FF] : []) + (high > 0xDFFF ? [0xE000...high] : [])
  }

  var isEmpty: Bool { ranges.isEmpty }

  func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } }

  func union(_ other: ScalarSet) -> ScalarSet { ScalarSet(ranges + other.ranges) }

  var complement: ScalarSet {
    var gaps: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges {
      if range.lowerBound > next { gaps.append(next...range.lowerBound - 1) }
      next = range.upperBound + 1
    }
    if next <= 0x10FFFF { gaps.append(next...0x10FFFF) }
    return ScalarSet(gaps)
  }

  func intersection(_ other: ScalarSet) -> ScalarSet {
    complement.union(other.complement).complement
  }

  func subtracting(_ other: ScalarSet) -> ScalarSet { intersection(other.complement) }

  /// The members below 0x80, as bytes.
  var ascii: ByteSet {
    var set = ByteSet()
    for range in ranges where range.lowerBound < 0x80 {
      set.insert(UInt8(range.lowerBound)...UInt8(min(range.upperBound, 0x7F)))
    }
    return set
  }

  /// UTF-8 of the members from 0x80 on: sequences of byte ranges, each of which stands for all
  /// combinations of its bytes (Cox 2010, "Regular expression matching in the wild").
  var multibyteSequences: [[ClosedRange<UInt8>]] {
    var sequences: [[ClosedRange<UInt8>]] = []
    for limits: ClosedRange<UInt32> in [0x80...0x7FF, 0x800...0xFFFF, 0x10000...0x10FFFF] {
      for range in ranges where range.overlaps(limits) {
        Self.split(range.clamped(to: limits), into: &sequences)
      }
    }
    return sequences
  }

  private static func split(
    _ range: ClosedRange<UInt32>, into sequences: inout [[ClosedRange<UInt8>]]
  ) {
    let (low, high) = (range.lowerBound, range.upperBound)
    for bits: UInt32 in [6, 12, 18] {
      let mask: UInt32 = (1 << bits) - 1
      guard low & ~mask != high & ~mask else { continue }
      if low & mask != 0 {
        split(low...(low | mask), into: &sequences)
        return split((low | mask) + 1...high, into: &sequences)
      }
      if high & mask != mask {
        split(low...(high & ~mask) - 1, into: &sequences)
        return split(high & ~mask...high, into: &sequences)
      }
    }
    let first = Array(String(Unicode.Scalar(low)!).utf8)
    let last = Array(String(Unicode.Scalar(high)!).utf8)
    sequences.append(zip(first, last).map { $0...$1 })
  }
}
