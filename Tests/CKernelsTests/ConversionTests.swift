import CKernels
import Testing

@Suite("Conversions")
struct ConversionTests {
  @Test("every f16 becomes its f32 and comes back", arguments: availableLevels)
  func halves(level: primer_isa) {
    let halves = (0...UInt16.max).map { $0 }
    var floats = [Float](repeating: 0, count: halves.count)
    var back = [UInt16](repeating: 0, count: halves.count)
    atLevel(level) {
      primer_f16_to_f32(nil, Int64(halves.count), halves, &floats)
      primer_f32_to_f16(nil, Int64(halves.count), floats, &back)
    }
    let wrong = halves.indices.filter { i in
      let half = Float16(bitPattern: halves[i])
      return half.isNaN
        ? !floats[i].isNaN || !Float16(bitPattern: back[i]).isNaN
        : floats[i] != Float(half) || back[i] != halves[i]
    }
    #expect(wrong.isEmpty)
  }

  @Test("f32 rounds to the nearest even f16 and bf16", arguments: availableLevels)
  func rounds(level: primer_isa) {
    var floats: [Float] = [
      0, -0, 65_504, 65_519.996, 65_520, -70_000, 1e30, .infinity, -.infinity, .nan, 0x1p-24,
      0x1p-25,
      0x1.8p-25, 0x1.8p-24, 0x1.ffcp-15, 0x1.fffp-15, 1.000_488_3, 1.001_464_8, 3.389_531e38,
      .greatestFiniteMagnitude,
    ]
    // Halfway between two bf16, even and odd.
    floats += [0x3f80_8000, 0x3f81_8000, 0xc0ff_8000].map { Float(bitPattern: $0) }
    for i in 0..<5001 {
      floats.append(
        Float(bitPattern: UInt32(truncatingIfNeeded: primer_random_bits(1, 2, UInt64(i)))))
    }
    var halves = [UInt16](repeating: 0, count: floats.count)
    var brains = halves
    var widened = floats
    atLevel(level) {
      primer_f32_to_f16(nil, Int64(floats.count), floats, &halves)
      primer_f32_to_bf16(nil, Int64(floats.count), floats, &brains)
      primer_bf16_to_f32(nil, Int64(floats.count), brains, &widened)
    }
    let wrong = floats.indices.filter { i in
      let half = Float16(floats[i])
      if half.isNaN { return !Float16(bitPattern: halves[i]).isNaN || !widened[i].isNaN }
      let bits = UInt64(floats[i].bitPattern)
      let rounded = UInt16((bits + 0x7fff + (bits >> 16 & 1)) >> 16)
      return half.bitPattern != halves[i] || brains[i] != rounded
        || widened[i].bitPattern != UInt32(rounded) << 16
    }
    #expect(wrong.map { floats[$0] } == [])
  }
}
