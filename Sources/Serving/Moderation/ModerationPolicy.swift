/// What becomes of texts that belong to a category.
public struct ModerationPolicy: Sendable, Equatable {
  public enum Action: String, Sendable, CaseIterable {
    case off
    /// Answered, and shown to administrators.
    case flag
    /// Not answered, or stopped in the middle, and shown to administrators.
    case refuse
  }

  /// For categories that have no action of their own.
  public var standard: Action = .flag
  public var actions: [String: Action] = [:]
  /// In place of the classifier's own thresholds.
  public var thresholds: [String: Double] = [:]

  public init() {}

  /// Those of the OpenAI API.
  public static let categories = ModerationCategories.all

  func action(on category: String) -> Action { actions[category] ?? standard }

  var isOff: Bool { ModerationCategories.all.allSatisfy { action(on: $0) == .off } }

  /// What to do about a text.
  func verdict(_ scores: ModerationScores) -> ModerationVerdict {
    var verdict = ModerationVerdict()
    for (category, score) in scores.scores {
      let threshold = thresholds[category] ?? scores.thresholds[category] ?? 1
      guard score >= threshold, action(on: category) != .off else { continue }
      verdict.categories[category] = score
      if action(on: category) == .refuse { verdict.isRefused = true }
    }
    return verdict
  }
}

/// How surely a text belongs to each category that the classifier knows.
package struct ModerationScores: Sendable, Equatable {
  package var scores: [String: Double]
  /// From which on it does.
  package var thresholds: [String: Double]

  package init(scores: [String: Double], thresholds: [String: Double]) {
    (self.scores, self.thresholds) = (scores, thresholds)
  }
}

/// What to do about a text: nothing where no category fits.
struct ModerationVerdict: Sendable, Equatable {
  /// The categories that fit, and how surely.
  var categories: [String: Double] = [:]
  var isRefused = false

  var isFlagged: Bool { !categories.isEmpty }
}

/// The categories of the OpenAI API, in its order.
enum ModerationCategories {
  static let all = [
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit",
    "illicit/violent", "self-harm", "self-harm/instructions", "self-harm/intent", "sexual",
    "sexual/minors", "violence", "violence/graphic",
  ]
}
