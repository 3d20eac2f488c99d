internal import PrimerTensors

/// The logits of one position, the finite highest known. What is no number counts as impossible.
struct LogitRow {
  /// [vocabulary], contiguous.
  let logits: Tensor
  /// The first of the highest.
  let best: Int32
  let top: Float

  /// - Parameter mask: tokens that may come; others are impossible already. Where nothing is possible,
  ///   its first token is taken.
  init(_ logits: Tensor, _ mask: TokenMask?) {
    var logits = logits
    var best = logits.argmax().integers[0]
    var top = logits.withScalars { $0[Int(best)] }
    if !top.isFinite {
      logits = Self.repaired(logits, mask)
      best = logits.argmax().integers[0]
      top = logits.withScalars { $0[Int(best)] }
    }
    (self.logits, self.best, self.top) = (logits, best, top)
  }

  private static func repaired(_ logits: Tensor, _ mask: TokenMask?) -> Tensor {
    let copy = logits.copied()
    copy.withMutableScalars { values in
      var isPossible = false
      for index in 0..<values.count {
        let value = values[index]
        values[index] = value.isNaN ? -.infinity : min(value, .greatestFiniteMagnitude)
        isPossible = isPossible || values[index] > -.infinity
      }
      if isPossible { return }
      values[(0..<values.count).first { mask?[Int32($0)] ?? true } ?? 0] = 0
    }
    return copy
  }

  /// exp((logit - top) · scale) of every token, and their sum.
  func weights(scale: Double) -> (values: Tensor, total: Double) {
    func weights(_ logits: Tensor) -> (Tensor, Double) {
      let distances = logits - top
      let values = (scale == 1 ? distances : distances * Float(scale)).exp()
      return (values, values.withScalars(LogitRow.sum))
    }
    let found = weights(logits)
    return found.1.isFinite ? found : weights(Self.repaired(logits, nil))
  }

  /// The sum, in an order that the count alone decides.
  static func sum(_ values: Span<Float>) -> Double {
    var total = 0.0
    var start = 0
    while start < values.count {
      let end = min(start + blockLength, values.count)
      total += blockSum(values, start, end)
      start = end
    }
    return total
  }

  static let blockLength = 1024

  /// Σ of values [start, end).
  static func blockSum(_ values: Span<Float>, _ start: Int, _ end: Int) -> Double {
    var lanes = SIMD8<Float>()
    var index = start
    while index + 8 <= end {
      for lane in 0..<8 { lanes[lane] += values[index + lane] }
      index += 8
    }
    var total = Double(lanes.sum())
    while index < end {
      total += Double(values[index])
      index += 1
    }
    return total
  }

  /// Tokens whose logit is at least `floor`, in order of their numbers.
  func tokens(atLeast floor: Float) -> [Candidate] {
    logits.withScalars { values in
      var found: [Candidate] = []
      for index in 0..<values.count where values[index] >= floor {
        found.append(Candidate(logit: values[index], token: Int32(index)))
      }
      return found
    }
  }

  /// The `count` likeliest of the tokens whose logit is at least `floor`, likeliest first.
  func likeliest(_ count: Int, atLeast floor: Float = -.greatestFiniteMagnitude) -> [Candidate] {
    guard count > 0 else { return [] }
    let room = max(4 * count, 256)
    return logits.withScalars { values in
      var (found, floor): ([Candidate], Float) = ([], floor)
      found.reserveCapacity(room)
      for index in 0..<values.count where values[index] >= floor {
        found.append(Candidate(logit: values[index], token: Int32(index)))
        if found.count == room {
          found.sort()
          found.removeLast(room - count)
          // A later token of the same logit would come after these.
          floor = found[count - 1].logit.nextUp
        }
      }
      found.sort()
      found.removeLast(max(0, found.count - count))
      return found
    }
  }

  /// Standard deviation of the logits of the possible tokens.
  var deviation: Double {
    logits.withScalars { values in
      var (count, sum, squares) = (0.0, 0.0, 0.0)
      for index in 0..<values.count where values[index] > -.infinity {
        let distance = Double(values[index] - top)
        count += 1
        sum += distance
        squares += distance * distance
      }
      return max(0, squares / count - (sum / count) * (sum / count)).squareRoot()
    }
  }
}

/// A token that may come. The likelier is the lesser; of equals, the one with the lower number.
struct Candidate: Comparable {
  var logit: Float
  var token: Int32

  static func < (a: Candidate, b: Candidate) -> Bool {
    a.logit > b.logit || (a.logit == b.logit && a.token < b.token)
  }
}
