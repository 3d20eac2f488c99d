/// Random numbers by counting: SplitMix64's finaliser (Steele, Lea, Flood 2014) over a chain of
/// keys. A value depends on (seed, step, sample) and nothing else.
enum SampleRandom {
  static func bits(_ keys: UInt64...) -> UInt64 {
    var state: UInt64 = 0
    for key in keys { state = mix(state &+ 0x9E37_79B9_7F4A_7C15 &+ mix(key)) }
    return state
  }

  static func mix(_ value: UInt64) -> UInt64 {
    var bits = value &+ 0x9E37_79B9_7F4A_7C15
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }

  /// Uniform in 0 ..< `count`, by multiplying (Lemire 2019) without its rejection: the bias is
  /// below count / 2^64.
  static func below(_ count: Int, _ bits: UInt64) -> Int {
    Int(UInt64(count).multipliedFullWidth(by: bits).high)
  }

  /// A permutation of 0 ..< `count` evaluated at one place: a Feistel network of four rounds on the
  /// next even number of bits, walked until it lands inside (Black, Rogaway 2002).
  static func permute(_ place: Int, of count: Int, key: UInt64) -> Int {
    let width = UInt64(max(1, (Int.bitWidth - (count - 1).leadingZeroBitCount + 1) / 2))
    let mask: UInt64 = 1 << width - 1
    var value = UInt64(place)
    repeat {
      var (left, right) = (value >> width, value & mask)
      for round in 0..<4 as Range<UInt64> {
        (left, right) = (right, left ^ (bits(key, round, right) & mask))
      }
      value = left << width | right
    } while value >= UInt64(count)
    return Int(value)
  }
}
