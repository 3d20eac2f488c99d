internal import Foundation

/// Blocks of 32 elements with one scale, rounded as ggml's reference does
/// (github.com/ggml-org/ggml, ggml-quants.c, quantize_row_*_ref): the same bytes.
enum SmallBlocks {
  private static let size = 32

  /// x = d·(q − 8); the element of largest magnitude becomes −8·d.
  @Sendable static func q4_0(_ row: Span<Float>, _ bytes: inout [UInt8]) {
    forEachBlock(row) { start in
      let scale = extreme(row, start) / -8
      let inverse = scale == 0 ? 0 : 1 / scale
      bytes.appendHalf(scale)
      appendNibbles(&bytes) { min(15, truncated(row[start + $0] * inverse + 8.5)) }
    }
  }

  /// x = d·q + m
  @Sendable static func q4_1(_ row: Span<Float>, _ bytes: inout [UInt8]) {
    forEachBlock(row) { start in
      let (least, most) = range(row, start)
      let scale = (most - least) / 15
      let inverse = scale == 0 ? 0 : 1 / scale
      bytes.appendHalf(scale)
      bytes.appendHalf(least)
      appendNibbles(&bytes) { min(15, truncated((row[start + $0] - least) * inverse + 0.5)) }
    }
  }

  /// x = d·(q − 16); the element of largest magnitude becomes −16·d.
  @Sendable static func q5_0(_ row: Span<Float>, _ bytes: inout [UInt8]) {
    forEachBlock(row) { start in
      let scale = extreme(row, start) / -16
      let inverse = scale == 0 ? 0 : 1 / scale
      bytes.appendHalf(scale)
      appendFiveBits(&bytes) { min(31, truncated(row[start + $0] * inverse + 16.5)) }
    }
  }

  /// x = d·q + m
  @Sendable static func q5_1(_ row: Span<Float>, _ bytes: inout [UInt8]) {
    forEachBlock(row) { start in
      let (least, most) = range(row, start)
      let scale = (most - least) / 31
      let inverse = scale == 0 ? 0 : 1 / scale
      bytes.appendHalf(scale)
      bytes.appendHalf(least)
      appendFiveBits(&bytes) { truncated((row[start + $0] - least) * inverse + 0.5) }
    }
  }

  /// x = d·q
  @Sendable static func q8_0(_ row: Span<Float>, _ bytes: inout [UInt8]) {
    forEachBlock(row) { start in
      let scale = extreme(row, start).magnitude / 127
      let inverse = scale == 0 ? 0 : 1 / scale
      bytes.appendHalf(scale)
      for index in 0..<size {
        let rounded = (row[start + index] * inverse).rounded(.toNearestOrAwayFromZero)
        bytes.append(UInt8(bitPattern: Int8(clamping: truncated(rounded))))
      }
    }
  }

  /// Twice the values of an E2M1 code without its sign (OCP Microscaling Formats, version 1.0).
  private static let doubledMagnitudes: InlineArray<8, Float> = [0, 1, 2, 3, 4, 6, 8, 12]

  /// x = 2^(e − 127) · E2M1(q)
  @Sendable static func mxfp4(_ row: Span<Float>, _ bytes: inout [UInt8]) {
    forEachBlock(row) { start in
      let largest = extreme(row, start).magnitude
      let exponent = largest > 0 ? max(0, truncated(floorf(log2f(largest))) - 2 + 127) : 0
      bytes.append(UInt8(exponent))
      // Half the scale, because the codes' values are doubled.
      let half = Float(
        bitPattern: exponent < 2 ? 0x0020_0000 << UInt32(exponent) : UInt32(exponent - 1) << 23)
      appendNibbles(&bytes) { nearestCode(row[start + $0], half) }
    }
  }

  private static func nearestCode(_ x: Float, _ half: Float) -> Int {
    var best = 0
    var error = x.magnitude
    for code in 1..<8 {
      let next = abs(doubledMagnitudes[code] * half - x.magnitude)
      if next < error { (best, error) = (code, next) }
    }
    return x < 0 && best > 0 ? best + 8 : best
  }

  private static func forEachBlock(_ row: Span<Float>, _ body: (_ start: Int) -> Void) {
    for start in stride(from: 0, to: row.count, by: size) { body(start) }
  }

  /// Towards zero; every caller's numbers are small.
  private static func truncated(_ x: Float) -> Int { x.isFinite ? Int(x) : 0 }

  /// The first element of largest magnitude.
  private static func extreme(_ row: Span<Float>, _ start: Int) -> Float {
    var result: Float = 0
    for index in start..<start + size where row[index].magnitude > result.magnitude {
      result = row[index]
    }
    return result
  }

  private static func range(_ row: Span<Float>, _ start: Int) -> (least: Float, most: Float) {
    var (least, most) = (row[start], row[start])
    for index in start + 1..<start + size {
      if row[index] < least { least = row[index] }
      if row[index] > most { most = row[index] }
    }
    return (least, most)
  }

  /// Byte j holds element j below element j + 16.
  private static func appendNibbles(_ bytes: inout [UInt8], _ code: (Int) -> Int) {
    for index in 0..<size / 2 {
      bytes.append(UInt8(truncatingIfNeeded: code(index) | code(index + size / 2) << 4))
    }
  }

  /// Four bytes of fifth bits, then the others as nibbles.
  private static func appendFiveBits(_ bytes: inout [UInt8], _ code: (Int) -> Int) {
    var codes = InlineArray<32, Int>(repeating: 0)
    var high: UInt32 = 0
    for index in 0..<size {
      codes[index] = code(index)
      high |= UInt32((codes[index] >> 4) & 1) << UInt32(index)
    }
    bytes += littleEndian(high)
    appendNibbles(&bytes) { codes[$0] & 15 }
  }
}

extension [UInt8] {
  /// Appends a number as f16, rounded to nearest, ties to even.
  mutating func appendHalf(_ value: Float) {
    let bits = halfBits(value)
    append(UInt8(truncatingIfNeeded: bits))
    append(UInt8(truncatingIfNeeded: bits >> 8))
  }
}

/// The f16 nearest to a number, ties to even.
func halfBits(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
  let magnitude = bits & 0x7FFF_FFFF
  // 65520 and more round to infinity.
  if magnitude >= 0x477F_F000 { return sign | (magnitude > 0x7F80_0000 ? 0x7E00 : 0x7C00) }
  if magnitude < 0x3880_0000 {
    // Subnormal: adding 0.5 leaves the rounded multiple of 2^-24 in the lowest bits.
    let shifted = Float(bitPattern: magnitude) + 0.5
    return sign | UInt16(truncatingIfNeeded: shifted.bitPattern &- 0x3F00_0000)
  }
  let rounded = magnitude &- 0x3800_0000 &+ 0xFFF &+ (magnitude >> 13 & 1)
  return sign | UInt16(truncatingIfNeeded: rounded >> 13)
}

/// The number of an f16 that is neither infinite nor not a number.
func halfValue(_ bits: UInt16) -> Float {
  let magnitude = UInt32(bits & 0x7FFF)
  let value =
    magnitude < 0x0400
    ? Float(magnitude) * 0x1p-24 : Float(bitPattern: magnitude << 13 &+ 0x3800_0000)
  return bits & 0x8000 == 0 ? value : -value
}
