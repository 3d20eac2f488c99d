import Foundation

/// The weights that tell two classes apart best:
///
///     min 1/n Σ log(1 + exp(−y (w · x + b))) + λ/2 |w|²,    y = ±1
///
/// a convex function, by L-BFGS (Nocedal and Wright 2006, "Numerical Optimization", algorithm 7.4)
/// in double precision: the same rows give the same bytes.
struct LogisticRegression {
  /// The last number is the bias.
  private(set) var weight: [Double]
  private(set) var steps = 0
  private(set) var loss = 0.0

  /// - Parameters:
  ///   - features: [rows, width], a row a text.
  ///   - chosen: the rows to learn from, and whether each is positive.
  ///   - decay: λ.
  init(_ features: Features, _ chosen: [(row: Int, isPositive: Bool)], decay: Double) {
    precondition(!chosen.isEmpty, "nothing to learn from")
    let problem = Problem(features: features, chosen: chosen, decay: decay)
    weight = [Double](repeating: 0, count: features.width + 1)
    (loss, steps) = Self.minimise(problem, &weight)
  }

  private struct Problem {
    let features: Features
    let chosen: [(row: Int, isPositive: Bool)]
    let decay: Double

    func callAsFunction(_ weight: [Double]) -> (value: Double, gradient: [Double]) {
      let width = features.width
      var gradient = [Double](repeating: 0, count: width + 1)
      var value = 0.0
      let share = 1 / Double(chosen.count)
      for (row, isPositive) in chosen {
        let sign = isPositive ? 1.0 : -1.0
        let margin = sign * features.score(row, weight)
        // log(1 + exp(−m)), without overflow.
        value += share * (margin > 0 ? log1p(exp(-margin)) : log1p(exp(margin)) - margin)
        features.add(row, times: -share * sign / (1 + exp(margin)), to: &gradient)
      }
      for column in 0..<width {
        value += decay / 2 * weight[column] * weight[column]
        gradient[column] += decay * weight[column]
      }
      return (value, gradient)
    }
  }

  /// Changes that are remembered.
  private static let memory = 10
  private static let mostSteps = 200

  private static func minimise(
    _ problem: Problem, _ weight: inout [Double]
  ) -> (loss: Double, steps: Int) {
    var (value, gradient) = problem(weight)
    var changes: [(of: [Double], gradient: [Double], curvature: Double)] = []
    for step in 0..<mostSteps {
      guard norm(gradient) > 1e-6 * max(1, norm(weight)) else { return (value, step) }
      let direction = direction(gradient, changes)
      let slope = dot(direction, gradient)
      var length = step == 0 ? min(1, 1 / norm(gradient)) : 1
      var next = moved(weight, direction, length)
      var (nextValue, nextGradient) = problem(next)
      while nextValue > value + 1e-4 * length * slope {
        guard length > 1e-12 else { return (value, step) }
        length /= 2
        next = moved(weight, direction, length)
        (nextValue, nextGradient) = problem(next)
      }
      let change = zip(next, weight).map { $0 - $1 }
      let difference = zip(nextGradient, gradient).map { $0 - $1 }
      let curvature = dot(change, difference)
      if curvature > 1e-14 { changes.append((change, difference, curvature)) }
      if changes.count > memory { changes.removeFirst() }
      (weight, value, gradient) = (next, nextValue, nextGradient)
    }
    return (value, mostSteps)
  }

  /// −H g, with H from the last changes.
  private static func direction(
    _ gradient: [Double], _ changes: [(of: [Double], gradient: [Double], curvature: Double)]
  ) -> [Double] {
    var result = gradient
    var shares: [Double] = []
    for change in changes.reversed() {
      let share = dot(change.of, result) / change.curvature
      shares.append(share)
      for index in result.indices { result[index] -= share * change.gradient[index] }
    }
    if let last = changes.last {
      let scale = last.curvature / dot(last.gradient, last.gradient)
      for index in result.indices { result[index] *= scale }
    }
    for (change, share) in zip(changes, shares.reversed()) {
      let other = dot(change.gradient, result) / change.curvature
      for index in result.indices { result[index] += (share - other) * change.of[index] }
    }
    return result.map { -$0 }
  }

  private static func moved(_ point: [Double], _ direction: [Double], _ length: Double) -> [Double]
  {
    zip(point, direction).map { $0 + length * $1 }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for index in a.indices { sum += a[index] * b[index] }
    return sum
  }

  private static func norm(_ a: [Double]) -> Double { dot(a, a).squareRoot() }
}

/// Rows of numbers, one a text.
struct Features {
  let width: Int
  var values: [Float]

  var count: Int { width == 0 ? 0 : values.count / width }

  /// w · x + b; the last of `weight` is b.
  func score(_ row: Int, _ weight: [Double]) -> Double {
    values.withUnsafeBufferPointer { values in
      weight.withUnsafeBufferPointer { weight in
        var sum = weight[width]
        for column in 0..<width { sum += Double(values[row * width + column]) * weight[column] }
        return sum
      }
    }
  }

  /// Adds factor · (x, 1).
  func add(_ row: Int, times factor: Double, to sum: inout [Double]) {
    values.withUnsafeBufferPointer { values in
      sum.withUnsafeMutableBufferPointer { sum in
        for column in 0..<width { sum[column] += factor * Double(values[row * width + column]) }
        sum[width] += factor
      }
    }
  }

  /// Mean and spread of each column over some rows.
  func moments(_ rows: [Int]) -> (mean: [Double], spread: [Double]) {
    var mean = [Double](repeating: 0, count: width)
    var square = mean
    for row in rows {
      for column in 0..<width {
        let value = Double(values[row * width + column])
        mean[column] += value
        square[column] += value * value
      }
    }
    let count = Double(max(1, rows.count))
    for column in 0..<width { mean[column] /= count }
    let spread = (0..<width).map { column in
      max(square[column] / count - mean[column] * mean[column], 1e-12).squareRoot()
    }
    return (mean, spread)
  }
}
