/// A block of 256 elements in 16 groups whose codes have a sign: x ≈ d·s·q, where s is a small whole
/// number of each group.
///
/// Each group's best scale in real numbers comes first (steps in a fan around its largest element,
/// each fitted by least squares). Then d is fitted to the whole block by least squares while each s
/// moves to its best neighbour, until the error falls no more.
struct SignedBlock {
  private(set) var scale: Float = 0
  private(set) var scales = [Int](repeating: 0, count: Self.groups)
  /// 256 codes.
  private(set) var codes: [Int] = []

  private static let groups = 16
  private let codeRange: ClosedRange<Float>
  private let scaleRange: ClosedRange<Int>
  private let lanes: BlockLanes

  init(_ row: Span<Float>, _ start: Int, codes: ClosedRange<Int>, scales: ClosedRange<Int>) {
    codeRange = Float(codes.lowerBound)...Float(codes.upperBound)
    scaleRange = scales
    lanes = BlockLanes(row, start)
    let wanted = (0..<Self.groups).map { bestScale($0) }
    // The scale of largest magnitude becomes the lowest whole number, or nearly.
    let extreme = wanted.max { $0.magnitude < $1.magnitude }!
    var state = State(scale: 0)
    for start in 0..<(scales.count < 256 ? 4 : 1) {
      var next = State(scale: halfValue(halfBits(extreme / Float(scales.lowerBound + start))))
      guard next.scale != 0 else { break }
      for group in 0..<Self.groups {
        let whole = Int((wanted[group] / next.scale).rounded())
        next.scales[group] = min(max(whole, scales.lowerBound), scales.upperBound)
      }
      refine(&next)
      if start == 0 || next.error < state.error { state = next }
    }
    scale = state.scale
    self.scales = state.scales
    self.codes = chosenCodes(state)
  }

  private struct State {
    var scale: Float
    var scales = [Int](repeating: 0, count: SignedBlock.groups)
    var error: Float = 0
  }

  @inline(__always)
  private func codes(_ group: Int, inverse: Float) -> Lanes {
    rounded(lanes[group] * inverse, codeRange.lowerBound, codeRange.upperBound)
  }

  private func bestScale(_ group: Int) -> Float {
    let x = lanes[group]
    let (least, most) = (x.min(), x.max())
    let extreme = -least > most ? least : most
    guard extreme.magnitude > 1e-30 else { return 0 }
    var (best, bestGain): (Float, Float) = (0, 0)
    func attempt(_ inverse: Float) {
      let q = codes(group, inverse: inverse)
      let (xq, qq) = ((x * q).sum(), (q * q).sum())
      guard qq > 0, xq * xq / qq > bestGain else { return }
      (best, bestGain) = (xq / qq, xq * xq / qq)
    }
    for step in -9...9 {
      attempt((codeRange.lowerBound - 0.1 * Float(step)) / extreme)
    }
    for step in -9...9 where codeRange.upperBound < 8 {
      attempt((codeRange.upperBound + 0.1 * Float(step)) / extreme)
    }
    for _ in 0..<2 where best != 0 { attempt(1 / best) }
    return best
  }

  private func refine(_ state: inout State) {
    settle(&state)
    for _ in 0..<3 {
      var next = state
      refit(&next)
      if next.scale == state.scale || next.scale == 0 { break }
      settle(&next)
      if next.error >= state.error { break }
      state = next
    }
  }

  /// Moves each group's whole scale to the neighbour of least error.
  private func settle(_ state: inout State) {
    state.error = 0
    for group in 0..<Self.groups {
      let s = state.scales[group]
      var best = error(group, s, state.scale)
      for next in [s - 1, s + 1] where scaleRange.contains(next) {
        let nextError = error(group, next, state.scale)
        if nextError < best { (best, state.scales[group]) = (nextError, next) }
      }
      state.error += best
    }
  }

  /// Squared error of a group with its best codes.
  private func error(_ group: Int, _ s: Int, _ scale: Float) -> Float {
    let step = scale * Float(s)
    let difference = codes(group, inverse: step == 0 ? 0 : 1 / step) * step - lanes[group]
    return (difference * difference).sum()
  }

  /// Fits the block's scale to its codes by least squares.
  private func refit(_ state: inout State) {
    var (xa, aa): (Float, Float) = (0, 0)
    for group in 0..<Self.groups where state.scales[group] != 0 {
      let s = Float(state.scales[group])
      let q = codes(group, inverse: 1 / (state.scale * s)) * s
      xa += (lanes[group] * q).sum()
      aa += (q * q).sum()
    }
    if aa > 0 { state.scale = halfValue(halfBits(xa / aa)) }
  }

  private func chosenCodes(_ state: State) -> [Int] {
    var result: [Int] = []
    result.reserveCapacity(256)
    for group in 0..<Self.groups {
      let step = state.scale * Float(state.scales[group])
      let chosen = codes(group, inverse: step == 0 ? 0 : 1 / step)
      for lane in 0..<16 { result.append(Int(chosen[lane])) }
    }
    return result
  }
}
