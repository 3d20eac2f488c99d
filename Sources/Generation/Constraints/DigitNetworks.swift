/// Digit strings of the multiples of `size` from `low` to `high`, with a point before the last
/// `places` digits. A state is how many digits are left, whether what was read equals the beginning
/// of a bound, and the remainder.
struct MultipleNetwork {
  let size: Int
  let places: Int
  let low: Int
  let high: Int

  private struct State: Hashable {
    let left: Int
    /// All digits, where a bound is still touched; else 0.
    let length: Int
    let touchesLow: Bool
    let touchesHigh: Bool
    let remainder: Int
    let isFirst: Bool
  }

  var network: ExpressionNetwork {
    var network = ExpressionNetwork()
    var numbers: [State: Int] = [:]
    var waiting: [State] = []
    func number(_ state: State) -> Int {
      if let known = numbers[state] { return known }
      let number = network.addState()
      numbers[state] = number
      waiting.append(state)
      if state.left == 0, state.remainder == 0 { network.accept(number) }
      return number
    }
    let lows = digits(of: low)
    let highs = digits(of: high)
    for length in lows.count...highs.count {
      let start = State(
        left: length, length: length, touchesLow: length == lows.count,
        touchesHigh: length == highs.count, remainder: 0, isFirst: true)
      network.add(0, nil, number(start))
    }
    while let state = waiting.popLast() {
      guard state.left > 0 else { continue }
      let here = number(state)
      let index = state.length - state.left
      let least = state.touchesLow ? Int(lows[index]) : 0
      let most = state.touchesHigh ? Int(highs[index]) : 9
      let first = state.isFirst && state.length > places + 1 ? max(1, least) : least
      var targets: [Int: ByteSet] = [:]
      for digit in stride(from: first, through: most, by: 1) {
        let touchesLow = state.touchesLow && digit == least
        let touchesHigh = state.touchesHigh && digit == most
        let next = State(
          left: state.left - 1, length: touchesLow || touchesHigh ? state.length : 0,
          touchesLow: touchesLow, touchesHigh: touchesHigh,
          remainder: (state.remainder * 10 + digit) % size, isFirst: false)
        targets[number(next), default: ByteSet()].insert(UInt8(48 + digit))
      }
      let hasPoint = places > 0 && state.left - 1 == places
      for (target, set) in targets.sorted(by: { $0.key < $1.key }) {
        network.add(here, hasPoint ? .sequence([.bytes(set), .text(".")]) : .bytes(set), target)
      }
    }
    return network
  }

  private func digits(of value: Int) -> [UInt8] {
    let digits = String(value).utf8.map { $0 - 48 }
    return [UInt8](repeating: 0, count: max(0, places + 1 - digits.count)) + digits
  }
}

/// Decimal fractions from `low` to `high`, of at most `digits` digits. A state is the number of
/// digits before the point, the position, and whether what was read equals the beginning of a bound.
struct DecimalNetwork {
  struct Bound {
    let whole: [UInt8]
    let fraction: [UInt8]
    let isExcluded: Bool
  }

  let low: Bound
  let high: Bound?
  let digits: Int

  private struct State: Hashable {
    let length: Int
    /// Digits read before the point, and behind it; nil: no point yet.
    let whole: Int
    let fraction: Int?
    let touchesLow: Bool
    let touchesHigh: Bool
  }

  var network: ExpressionNetwork {
    var network = ExpressionNetwork()
    var numbers: [State: Int] = [:]
    var waiting: [State] = []
    func number(_ state: State) -> Int {
      if let known = numbers[state] { return known }
      let number = network.addState()
      numbers[state] = number
      waiting.append(state)
      return number
    }
    let longest = min(digits, high?.whole.count ?? digits)
    for length in stride(from: low.whole.count, through: longest, by: 1) {
      let start = State(
        length: length, whole: 0, fraction: nil, touchesLow: length == low.whole.count,
        touchesHigh: length == high?.whole.count)
      network.add(0, nil, number(start))
    }
    while let state = waiting.popLast() {
      let here = number(state)
      let isWhole = state.whole == state.length
      if isWhole, state.fraction != 0, mayEnd(state) { network.accept(here) }
      if isWhole, state.fraction == nil {
        let point = State(
          length: state.length, whole: state.whole, fraction: 0, touchesLow: state.touchesLow,
          touchesHigh: state.touchesHigh)
        if state.length < digits { network.add(here, .text("."), number(point)) }
        continue
      }
      if let read = state.fraction, read >= digits - state.length { continue }
      var targets: [Int: ByteSet] = [:]
      for (digit, next) in steps(from: state) {
        targets[number(next), default: ByteSet()].insert(48 + digit)
      }
      for (target, set) in targets.sorted(by: { $0.key < $1.key }) {
        network.add(here, .bytes(set), target)
      }
    }
    return network
  }

  private func steps(from state: State) -> [(UInt8, State)] {
    func digit(_ bound: Bound) -> UInt8 {
      guard let read = state.fraction else { return bound.whole[state.whole] }
      return read < bound.fraction.count ? bound.fraction[read] : 0
    }
    let least = state.touchesLow ? digit(low) : 0
    let most = state.touchesHigh ? high.map(digit) ?? 9 : 9
    // No zero leads but one alone.
    let first =
      state.fraction == nil && state.whole == 0 && state.length > 1 ? max(1, least) : least
    return stride(from: Int(first), through: Int(most), by: 1).map { value in
      let next = State(
        length: state.length, whole: state.whole + (state.fraction == nil ? 1 : 0),
        fraction: state.fraction.map { $0 + 1 },
        touchesLow: state.touchesLow && value == Int(least),
        touchesHigh: state.touchesHigh && value == Int(most))
      return (UInt8(value), next)
    }
  }

  /// Whether the number read so far is within the bounds.
  private func mayEnd(_ state: State) -> Bool {
    let read = state.fraction ?? 0
    func isMore(_ bound: Bound) -> Bool { bound.fraction.dropFirst(read).contains { $0 != 0 } }
    if state.touchesLow, isMore(low) || low.isExcluded { return false }
    if state.touchesHigh, let high, !isMore(high), high.isExcluded { return false }
    return true
  }
}
