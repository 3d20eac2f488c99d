/// Blocks of 256 elements in groups of 16 or 32, each group with a small whole scale (and minimum)
/// of its own; layouts as ggml's (ggml-common.h).
enum LargeBlocks {
  private static let size = 256

  /// 16 groups of 16: x = d·s·q − m·t with s, t in 0...15 and q in 0...3.
  @Sendable static func q2_K(_ row: Span<Float>, _ bytes: inout [UInt8]) {
    forEachBlock(row) { start in
      let block = OffsetBlock(row, start, groups: 16, largestCode: 3, largestScale: 15)
      for group in 0..<16 {
        bytes.append(UInt8(block.scales[group] | block.minima[group] << 4))
      }
      appendPairsOfBits(&bytes, block.codes)
      bytes.appendHalf(block.scale)
      bytes.appendHalf(block.minimum)
    }
  }

  /// 16 groups of 16: x = d·s·q with s in -32...31 and q in -4...3.
  @Sendable static func q3_K(_ row: Span<Float>, _ bytes: inout [UInt8]) {
    forEachBlock(row) { start in
      let block = SignedBlock(row, start, codes: -4...3, scales: -32...31)
      var high = [UInt8](repeating: 0, count: 32)
      for index in 0..<size where block.codes[index] >= 0 {
        high[index % 32] |= 1 << UInt8(index / 32)
      }
      bytes += high
      appendPairsOfBits(&bytes, block.codes.map { $0 & 3 })
      let scales = block.scales.map { UInt8($0 + 32) }
      for group in 0..<8 { bytes.append(scales[group] & 15 | scales[group + 8] << 4) }
      for group in 0..<4 {
        bytes.append(
          (0..<4).reduce(0) { $0 | (scales[group + 4 * $1] >> 4) << UInt8(2 * $1) })
      }
      bytes.appendHalf(block.scale)
    }
  }

  /// 8 groups of 32: x = d·s·q − m·t with s, t in 0...63 and q in 0...15.
  @Sendable static func q4_K(_ row: Span<Float>, _ bytes: inout [UInt8]) {
    forEachBlock(row) { start in
      let block = OffsetBlock(row, start, groups: 8, largestCode: 15, largestScale: 63)
      appendScales(&bytes, block)
      appendNibbles(&bytes, block.codes)
    }
  }

  /// As `q4_K`, with q in 0...31.
  @Sendable static func q5_K(_ row: Span<Float>, _ bytes: inout [UInt8]) {
    forEachBlock(row) { start in
      let block = OffsetBlock(row, start, groups: 8, largestCode: 31, largestScale: 63)
      appendScales(&bytes, block)
      for index in 0..<32 {
        var high = 0
        for group in 0..<8 { high |= (block.codes[32 * group + index] >> 4) << group }
        bytes.append(UInt8(high))
      }
      appendNibbles(&bytes, block.codes)
    }
  }

  /// 16 groups of 16: x = d·s·q with s in -128...127 and q in -32...31.
  @Sendable static func q6_K(_ row: Span<Float>, _ bytes: inout [UInt8]) {
    forEachBlock(row) { start in
      let block = SignedBlock(row, start, codes: -32...31, scales: -128...127)
      let codes = block.codes.map { $0 + 32 }
      for half in [0, 128] {
        for index in half..<half + 64 {
          bytes.append(UInt8(codes[index] & 15 | (codes[index + 64] & 15) << 4))
        }
      }
      for half in [0, 128] {
        for index in half..<half + 32 {
          bytes.append(
            UInt8((0..<4).reduce(0) { $0 | (codes[index + 32 * $1] >> 4) << (2 * $1) }))
        }
      }
      for scale in block.scales { bytes.append(UInt8(bitPattern: Int8(scale))) }
      bytes.appendHalf(block.scale)
    }
  }

  private static func forEachBlock(_ row: Span<Float>, _ body: (_ start: Int) -> Void) {
    for start in stride(from: 0, to: row.count, by: size) { body(start) }
  }

  /// In each half of 128, byte j holds elements j, j + 32, j + 64 and j + 96.
  private static func appendPairsOfBits(_ bytes: inout [UInt8], _ codes: [Int]) {
    for half in [0, 128] {
      for index in half..<half + 32 {
        bytes.append(UInt8((0..<4).reduce(0) { $0 | codes[index + 32 * $1] << (2 * $1) }))
      }
    }
  }

  /// The lower four bits: in each 64, byte j holds elements j and j + 32.
  private static func appendNibbles(_ bytes: inout [UInt8], _ codes: [Int]) {
    for quarter in stride(from: 0, to: size, by: 64) {
      for index in quarter..<quarter + 32 {
        bytes.append(UInt8(codes[index] & 15 | (codes[index + 32] & 15) << 4))
      }
    }
  }

  /// d, m and eight pairs of 6 bits in 12 bytes.
  private static func appendScales(_ bytes: inout [UInt8], _ block: OffsetBlock) {
    bytes.appendHalf(block.scale)
    bytes.appendHalf(block.minimum)
    let (scales, minima) = (block.scales, block.minima)
    for group in 0..<4 { bytes.append(UInt8(scales[group] | (scales[group + 4] >> 4) << 6)) }
    for group in 0..<4 { bytes.append(UInt8(minima[group] | (minima[group + 4] >> 4) << 6)) }
    for group in 4..<8 { bytes.append(UInt8(scales[group] & 15 | (minima[group] & 15) << 4)) }
  }
}
