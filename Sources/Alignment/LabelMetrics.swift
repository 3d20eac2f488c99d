/// How well the probabilities of a label tell the texts that have it from those that have not.
public struct LabelMetrics: Sendable, Equatable {
  public let label: String
  /// Texts that have the label, and texts of which it is known.
  public let positives, known: Int
  /// From this probability on, a text is said to have it.
  public let threshold: Double
  /// Of those said to have it, the share that has; 1 where none is.
  public let precision: Double
  /// Of those that have it, the share that is said to.
  public let recall: Double
  /// Σ (R_k − R_{k−1}) P_k over the ranking by probability, equal ones together.
  public let averagePrecision: Double

  public var f1: Double {
    precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
  }

  init(_ label: String, _ scored: [(probability: Double, isPositive: Bool)], threshold: Double) {
    self.label = label
    self.threshold = threshold
    known = scored.count
    positives = scored.count { $0.isPositive }
    let said = scored.filter { $0.probability >= threshold }
    let right = said.count { $0.isPositive }
    precision = said.isEmpty ? 1 : Double(right) / Double(said.count)
    recall = positives == 0 ? 1 : Double(right) / Double(positives)
    averagePrecision = Self.steps(scored).averagePrecision
  }

  /// The threshold of best F1 = 2 P R / (P + R); halfway to the next lower probability.
  static func bestThreshold(_ scored: [(probability: Double, isPositive: Bool)]) -> Double {
    steps(scored).threshold
  }

  private static func steps(
    _ scored: [(probability: Double, isPositive: Bool)]
  ) -> (averagePrecision: Double, threshold: Double) {
    let ranked = scored.sorted { $0.probability > $1.probability }
    let positives = Double(ranked.count { $0.isPositive })
    guard positives > 0 else { return (0, 1) }
    var (said, right, average, recall) = (0.0, 0.0, 0.0, 0.0)
    var best = (f1: 0.0, threshold: 0.5)
    var index = 0
    while index < ranked.count {
      let probability = ranked[index].probability
      while index < ranked.count, ranked[index].probability == probability {
        said += 1
        right += ranked[index].isPositive ? 1 : 0
        index += 1
      }
      average += (right / positives - recall) * right / said
      recall = right / positives
      let f1 = 2 * right / (said + positives)
      let next = index < ranked.count ? ranked[index].probability : 0
      if f1 > best.f1 { best = (f1, (probability + next) / 2) }
    }
    return (average, best.threshold)
  }
}
