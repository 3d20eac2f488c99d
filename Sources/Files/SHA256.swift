/// SHA-256 (FIPS 180-4), streaming: whether a file is the one that was meant.
package struct SHA256: Sendable {
  private var state: SIMD8<UInt32> = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
    0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var tail: [UInt8] = []
  private var length: UInt64 = 0

  package init() {}

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    length &+= UInt64(bytes.count)
    var at = 0
    if !tail.isEmpty {
      at = min(64 - tail.count, bytes.count)
      tail += bytes[..<at]
      guard tail.count == 64 else { return }
      tail.withUnsafeBytes { state = Self.compressed(state, $0, blocks: 1) }
      tail.removeAll(keepingCapacity: true)
    }
    let blocks = (bytes.count - at) / 64
    if blocks > 0 {
      state = Self.compressed(state, UnsafeRawBufferPointer(rebasing: bytes[at...]), blocks: blocks)
    }
    tail += bytes[(at + 64 * blocks)...]
  }

  package mutating func update(_ bytes: some Collection<UInt8>) {
    if bytes.withContiguousStorageIfAvailable({ update(UnsafeRawBufferPointer($0)) }) == nil {
      Array(bytes).withUnsafeBytes { update($0) }
    }
  }

  /// 64 hexadecimal digits.
  package var hexadecimal: String {
    var padded = tail + [0x80]
    padded += [UInt8](repeating: 0, count: (120 - padded.count) % 64)
    padded += withUnsafeBytes(of: (length &* 8).bigEndian) { Array($0) }
    let final = padded.withUnsafeBytes {
      Self.compressed(state, $0, blocks: padded.count / 64)
    }
    return (0..<8).map {
      let digits = String(final[$0], radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  private static let constants: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
  ]

  private static func compressed(
    _ start: SIMD8<UInt32>, _ bytes: UnsafeRawBufferPointer, blocks: Int
  ) -> SIMD8<UInt32> {
    var state = start
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { words in
      constants.withUnsafeBufferPointer { constants in
        for block in 0..<blocks {
          for i in 0..<16 {
            words[i] = UInt32(
              bigEndian: bytes.loadUnaligned(fromByteOffset: 64 * block + 4 * i, as: UInt32.self))
          }
          for i in 16..<64 {
            words[i] =
              words[i - 16] &+ small0(words[i - 15]) &+ words[i - 7] &+ small1(words[i - 2])
          }
          state = round(state, words, constants)
        }
      }
    }
    return state
  }

  private static func round(
    _ start: SIMD8<UInt32>, _ words: UnsafeMutableBufferPointer<UInt32>,
    _ constants: UnsafeBufferPointer<UInt32>
  ) -> SIMD8<UInt32> {
    var (a, b, c, d) = (start[0], start[1], start[2], start[3])
    var (e, f, g, h) = (start[4], start[5], start[6], start[7])
    for i in 0..<64 {
      let first = h &+ large1(e) &+ ((e & f) ^ (~e & g)) &+ constants[i] &+ words[i]
      let second = large0(a) &+ ((a & b) ^ (a & c) ^ (b & c))
      (h, g, f, e) = (g, f, e, d &+ first)
      (d, c, b, a) = (c, b, a, first &+ second)
    }
    return start &+ [a, b, c, d, e, f, g, h]
  }

  private static func rotated(_ x: UInt32, _ count: UInt32) -> UInt32 {
    x >> count | x << (32 &- count)
  }
  private static func small0(_ x: UInt32) -> UInt32 { rotated(x, 7) ^ rotated(x, 18) ^ x >> 3 }
  private static func small1(_ x: UInt32) -> UInt32 { rotated(x, 17) ^ rotated(x, 19) ^ x >> 10 }
  private static func large0(_ x: UInt32) -> UInt32 {
    rotated(x, 2) ^ rotated(x, 13) ^ rotated(x, 22)
  }
  private static func large1(_ x: UInt32) -> UInt32 {
    rotated(x, 6) ^ rotated(x, 11) ^ rotated(x, 25)
  }
}
