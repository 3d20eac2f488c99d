import Foundation
internal import PrimerDatasets
public import PrimerGeneration

/// Trains a head for classification over the states of a frozen model.
///
/// Every fifth text by the hash of its text is held out, to test by; the others are learnt from. They
/// fall into five parts, and what is learnt from four of them says of the fifth how likely its labels
/// are: by these probabilities, of texts not learnt from, the thresholds are chosen, and labels with
/// few texts are measured on all of them.
public struct HeadTraining: Sendable {
  public struct Result: Sendable {
    public let head: ClassificationHead
    /// By the five parts of the training texts, and on those held out.
    public let crossValidated, heldOut: [LabelMetrics]
    /// Mean loss in nats a label, without the penalty.
    public let trainLoss, validationLoss: Double
    public let steps: Int
    public let trainTexts, heldOutTexts: Int
  }

  static let parts: UInt64 = 5
  /// λ of the penalty λ/2 |w|².
  public var decay: Double
  private let texts: [LabelledText]
  private let features: Features
  private let labels: [String]

  /// - Parameter states: [texts, width], the mean hidden state of each text.
  /// - Throws: `DatasetError` where a label lacks texts that have it, or that have it not.
  public init(_ texts: [LabelledText], states: [Float], decay: Double = HeadTraining.standardDecay)
    throws
  {
    precondition(!texts.isEmpty && states.count % texts.count == 0, "a row of states a text")
    self.texts = texts
    self.decay = decay
    features = Features(width: states.count / texts.count, values: states)
    var names: [String] = []
    for text in texts {
      for name in text.labels.keys.sorted() where !names.contains(name) { names.append(name) }
    }
    labels = names.sorted()
    for label in labels {
      for isPositive in [true, false] {
        let parts = Set(
          texts.filter { !Self.isHeldOut($0) && $0.labels[label] == isPositive }.map(Self.part))
        guard parts.count > 1 else {
          throw DatasetError.unfit(
            "the label \"\(label)\" has too few texts that have it\(isPositive ? "" : " not"); "
              + "give some more of them, or leave the label out")
        }
      }
    }
  }

  public static let standardDecay = 0.08

  static func isHeldOut(_ text: LabelledText) -> Bool { text.hash % parts == 0 }
  static func part(_ text: LabelledText) -> Int { Int(text.hash / parts % parts) }

  /// - Parameter base: the name of the model whose states these are.
  public func run(base: String) -> Result {
    let held = texts.indices.filter { Self.isHeldOut(texts[$0]) }
    let learnt = texts.indices.filter { !Self.isHeldOut(texts[$0]) }
    let scale = Scale(features, learnt)
    var (weight, bias, thresholds) = ([Float](), [Float](), [Double]())
    var (validated, tested) = ([LabelMetrics](), [LabelMetrics]())
    var losses = (train: 0.0, validation: 0.0)
    var steps = 0
    for label in labels {
      let scored = crossValidated(label, learnt, scale)
      let threshold = LabelMetrics.bestThreshold(scored)
      let fit = LogisticRegression(scale.features, known(label, learnt), decay: decay)
      let (row, offset) = scale.unscaled(fit.weight)
      weight += row
      bias.append(offset)
      thresholds.append(threshold)
      validated.append(LabelMetrics(label, scored, threshold: threshold))
      tested.append(
        LabelMetrics(label, scores(label, held, fit, scale), threshold: threshold))
      losses.train += Self.loss(scores(label, learnt, fit, scale))
      losses.validation += Self.loss(scored)
      steps += fit.steps
    }
    let head = ClassificationHead(
      labels: labels, thresholds: thresholds, weight: weight, bias: bias, base: base)
    return Result(
      head: head, crossValidated: validated, heldOut: tested,
      trainLoss: losses.train / Double(labels.count),
      validationLoss: losses.validation / Double(labels.count), steps: steps,
      trainTexts: learnt.count, heldOutTexts: held.count)
  }

  /// Probabilities of a label by what the other parts teach.
  private func crossValidated(
    _ label: String, _ learnt: [Int], _ scale: Scale
  ) -> [(probability: Double, isPositive: Bool)] {
    (0..<Int(Self.parts)).flatMap { part in
      let others = known(label, learnt.filter { Self.part(texts[$0]) != part })
      let fit = LogisticRegression(scale.features, others, decay: decay)
      return scores(label, learnt.filter { Self.part(texts[$0]) == part }, fit, scale)
    }
  }

  private func known(_ label: String, _ rows: [Int]) -> [(row: Int, isPositive: Bool)] {
    rows.compactMap { row in texts[row].labels[label].map { (row, $0) } }
  }

  private func scores(
    _ label: String, _ rows: [Int], _ fit: LogisticRegression, _ scale: Scale
  ) -> [(probability: Double, isPositive: Bool)] {
    known(label, rows).map { row, isPositive in
      (1 / (1 + exp(-scale.features.score(row, fit.weight))), isPositive)
    }
  }

  private static func loss(_ scored: [(probability: Double, isPositive: Bool)]) -> Double {
    guard !scored.isEmpty else { return 0 }
    let sum = scored.reduce(0.0) {
      $0 - log(max($1.isPositive ? $1.probability : 1 - $1.probability, 1e-12))
    }
    return sum / Double(scored.count)
  }
}

/// Features of mean 0 and spread 1, so that the penalty weighs all alike.
private struct Scale {
  var features: Features
  private let mean, spread: [Double]

  init(_ features: Features, _ rows: [Int]) {
    (mean, spread) = features.moments(rows)
    self.features = features
    for index in self.features.values.indices {
      let column = index % features.width
      self.features.values[index] = Float(
        (Double(features.values[index]) - mean[column]) / spread[column])
    }
  }

  /// The same scores from features as they come: w / s, and b − Σ w m / s.
  func unscaled(_ weight: [Double]) -> (weight: [Float], bias: Float) {
    var bias = weight.last!
    let row = spread.indices.map { column in
      bias -= weight[column] * mean[column] / spread[column]
      return Float(weight[column] / spread[column])
    }
    return (row, Float(bias))
  }
}
