/// A block of 256 elements whose groups have a scale and a minimum: x ≈ d·s·q − m·t, where s and t
/// are small whole numbers of each group and q ≥ 0.
///
/// Each group's best scale and minimum in real numbers come first (the steps between codes are
/// tried in a fan around the range of the group, and the line is fitted to each by least squares).
/// Then d and m are fitted to the whole block by least squares while s and t move to their best
/// neighbours, until the error falls no more.
struct OffsetBlock {
  private(set) var scale: Float = 0
  private(set) var minimum: Float = 0
  private(set) var scales: [Int]
  private(set) var minima: [Int]
  /// 256 codes.
  private(set) var codes: [Int]

  private let groups: Int
  private let vectorsOfGroup: Int
  private let largestCode: Float
  private let largestScale: Int
  private let lanes: BlockLanes

  init(_ row: Span<Float>, _ start: Int, groups: Int, largestCode: Float, largestScale: Int) {
    self.groups = groups
    self.largestCode = largestCode
    self.largestScale = largestScale
    vectorsOfGroup = 16 / groups
    lanes = BlockLanes(row, start)
    scales = [Int](repeating: 0, count: groups)
    minima = scales
    codes = []
    let lines = (0..<groups).map { bestLine($0) }
    var best = State(groups: groups)
    best.error = .infinity
    for (scale, minimum) in Self.starts(lines, largestScale) {
      let state = refined(start: scale, minimum, lines)
      if state.error < best.error { best = state }
    }
    (scale, minimum, scales, minima) = (best.scale, best.minimum, best.scales, best.minima)
    codes = chosenCodes(best)
  }

  private struct State {
    var scale: Float = 0
    var minimum: Float = 0
    var scales: [Int]
    var minima: [Int]
    var error: Float = 0

    init(groups: Int) {
      scales = [Int](repeating: 0, count: groups)
      minima = scales
    }
  }

  /// A group's scale and minimum in real numbers.
  private typealias Line = (scale: Float, minimum: Float)

  /// Sums over a group that fix the best line for given codes.
  private struct Sums {
    var q: Float = 0
    var qq: Float = 0
    var xq: Float = 0
  }

  @inline(__always)
  private func sums(_ group: Int, inverse: Float, shift: Float) -> Sums {
    var (q, qq, xq) = (Lanes.zero, Lanes.zero, Lanes.zero)
    for index in group * vectorsOfGroup..<(group + 1) * vectorsOfGroup {
      let x = lanes[index]
      let codes = rounded((x + shift) * inverse, 0, largestCode)
      q += codes
      qq += codes * codes
      xq += codes * x
    }
    return Sums(q: q.sum(), qq: qq.sum(), xq: xq.sum())
  }

  private func bestLine(_ group: Int) -> Line {
    var (least, most, total): (Float, Float, Float) = (0, -.infinity, 0)
    for index in group * vectorsOfGroup..<(group + 1) * vectorsOfGroup {
      least = min(least, lanes[index].min())
      most = max(most, lanes[index].max())
      total += lanes[index].sum()
    }
    guard most > least else { return (0, -least) }
    var best: Line = ((most - least) / largestCode, -least)
    var bestGain = -Float.infinity
    func attempt(inverse: Float, shift: Float) {
      let sums = sums(group, inverse: inverse, shift: shift)
      let (line, gain) = fitted(sums, total: total)
      if gain > bestGain { (best, bestGain) = (line, gain) }
    }
    for step in -10...10 {
      let inverse = (largestCode + 0.1 * Float(step)) / (most - least)
      attempt(inverse: inverse, shift: -least)
    }
    for _ in 0..<2 where best.scale > 0 {
      attempt(inverse: 1 / best.scale, shift: best.minimum)
    }
    return best
  }

  /// The line of least error for codes with these sums, and by how much the error falls below Σ x².
  @inline(__always)
  private func fitted(_ sums: Sums, total: Float) -> (Line, gain: Float) {
    let n = Float(16 * vectorsOfGroup)
    let determinant = n * sums.qq - sums.q * sums.q
    if determinant > 0 {
      let scale = (n * sums.xq - total * sums.q) / determinant
      let offset = (sums.qq * total - sums.q * sums.xq) / determinant
      if offset <= 0 && scale > 0 {
        return ((scale, -offset), scale * sums.xq + offset * total)
      }
    }
    guard sums.qq > 0, sums.xq > 0 else { return ((0, 0), 0) }
    let scale = sums.xq / sums.qq
    return ((scale, 0), scale * sums.xq)
  }

  /// Scales and minima of the block to begin with: the largest group's takes the largest whole
  /// number, or nearly.
  private static func starts(
    _ lines: [Line], _ largestScale: Int
  ) -> [(scale: Float, minimum: Float)] {
    let scale = lines.map(\.scale).max()!
    let minimum = lines.map(\.minimum).max()!
    let most = Float(largestScale)
    return [(scale / most, minimum / most)]
  }

  private func refined(start scale: Float, _ minimum: Float, _ lines: [Line]) -> State {
    var state = State(groups: groups)
    state.scale = halfValue(halfBits(scale))
    state.minimum = halfValue(halfBits(minimum))
    for group in 0..<groups {
      state.scales[group] = whole(lines[group].scale, state.scale)
      state.minima[group] = whole(lines[group].minimum, state.minimum)
    }
    settle(&state)
    for _ in 0..<3 {
      var next = state
      refit(&next)
      if next.scale == state.scale && next.minimum == state.minimum { break }
      settle(&next)
      if next.error >= state.error { break }
      state = next
    }
    return state
  }

  private func whole(_ value: Float, _ unit: Float) -> Int {
    unit > 0 ? min(largestScale, Int((value / unit).rounded())) : 0
  }

  /// Moves each group's whole scale and minimum to the neighbours of least error.
  private func settle(_ state: inout State) {
    state.error = 0
    for group in 0..<groups {
      let (s, t) = (state.scales[group], state.minima[group])
      var best = error(group, s, t, state)
      for (moveS, moveT) in [(0, -1), (0, 1), (-1, 0), (1, 0), (-1, -1), (1, 1), (-1, 1), (1, -1)] {
        let (nextS, nextT) = (s + moveS, t + moveT)
        guard nextS >= 0, nextT >= 0, nextS <= largestScale, nextT <= largestScale else { continue }
        let next = error(group, nextS, nextT, state)
        if next < best {
          best = next
          (state.scales[group], state.minima[group]) = (nextS, nextT)
        }
      }
      state.error += best
    }
  }

  /// Squared error of a group with its best codes.
  private func error(_ group: Int, _ s: Int, _ t: Int, _ state: State) -> Float {
    let step = state.scale * Float(s)
    let shift = state.minimum * Float(t)
    let inverse = step > 0 ? 1 / step : 0
    var error = Lanes.zero
    for index in group * vectorsOfGroup..<(group + 1) * vectorsOfGroup {
      let x = lanes[index] + shift
      let difference = rounded(x * inverse, 0, largestCode) * step - x
      error += difference * difference
    }
    return error.sum()
  }

  /// Fits the block's scale and minimum to its codes by least squares.
  private func refit(_ state: inout State) {
    var (aa, ab, bb, xa, xb): (Float, Float, Float, Float, Float) = (0, 0, 0, 0, 0)
    for group in 0..<groups {
      let (s, t) = (Float(state.scales[group]), Float(state.minima[group]))
      let step = state.scale * s
      let shift = state.minimum * t
      let sums = sums(group, inverse: step > 0 ? 1 / step : 0, shift: shift)
      var total: Float = 0
      for index in group * vectorsOfGroup..<(group + 1) * vectorsOfGroup {
        total += lanes[index].sum()
      }
      aa += s * s * sums.qq
      ab -= s * t * sums.q
      bb += t * t * Float(16 * vectorsOfGroup)
      xa += s * sums.xq
      xb -= t * total
    }
    let determinant = aa * bb - ab * ab
    if determinant > 1e-6 * aa * bb {
      state.scale = halfValue(halfBits(max(0, (xa * bb - xb * ab) / determinant)))
      state.minimum = halfValue(halfBits(max(0, (xb * aa - xa * ab) / determinant)))
    } else if aa > 0 {
      state.scale = halfValue(halfBits(max(0, xa / aa)))
    }
  }

  private func chosenCodes(_ state: State) -> [Int] {
    var codes: [Int] = []
    codes.reserveCapacity(256)
    for group in 0..<groups {
      let step = state.scale * Float(state.scales[group])
      let shift = state.minimum * Float(state.minima[group])
      let inverse = step > 0 ? 1 / step : 0
      for index in group * vectorsOfGroup..<(group + 1) * vectorsOfGroup {
        let chosen = rounded((lanes[index] + shift) * inverse, 0, largestCode)
        for lane in 0..<16 { codes.append(Int(chosen[lane])) }
      }
    }
    return codes
  }
}
