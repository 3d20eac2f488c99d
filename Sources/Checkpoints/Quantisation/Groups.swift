/// Elements of a group, 16 to a vector.
typealias Lanes = SIMD16<Float>

/// The vectors of one block: 16, in order.
struct BlockLanes {
  private var vectors = InlineArray<16, Lanes>(repeating: .zero)

  init(_ row: Span<Float>, _ start: Int) {
    let bytes = row.extracting(start..<start + 256).bytes
    for index in 0..<16 {
      vectors[index] = bytes.unsafeLoadUnaligned(fromByteOffset: 64 * index, as: Lanes.self)
    }
  }

  init() {}

  subscript(index: Int) -> Lanes {
    @inline(__always) get { vectors[index] }
    @inline(__always) set { vectors[index] = newValue }
  }
}

/// The nearest whole numbers within limits, ties to even; |x| below 2^22 or outside the limits.
@inline(__always)
func rounded(_ x: Lanes, _ least: Float, _ most: Float) -> Lanes {
  // Adding 1.5 · 2^23 leaves no room for a fraction.
  let shift = Lanes(repeating: 12_582_912)
  var y = x
  y.replace(with: least, where: x .< least)
  y.replace(with: most, where: x .> most)
  return (y + shift) - shift
}
