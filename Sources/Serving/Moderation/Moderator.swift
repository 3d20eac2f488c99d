public import PrimerGeneration
import Synchronization

/// Says how surely texts belong to categories.
package protocol ModerationClassifier: Sendable {
  /// What the API calls it.
  var name: String { get }
  /// The categories that it was trained on; of others it knows nothing.
  var assessed: Set<String> { get }
  /// Seconds until a text that came now would be looked at.
  var wait: Double { get }
  func scores(_ text: String) async throws -> ModerationScores
}

extension TextClassifier: ModerationClassifier {
  package nonisolated var name: String { "primer-moderation" }
  package nonisolated var assessed: Set<String> {
    Set(head.labels).intersection(ModerationCategories.all)
  }
  package nonisolated var wait: Double { predictedWait }

  package nonisolated func scores(_ text: String) async throws -> ModerationScores {
    let probabilities = try await probabilities(of: text)
    var scores = ModerationScores(scores: [:], thresholds: [:])
    for (index, label) in head.labels.enumerated() where assessed.contains(label) {
      scores.scores[label] = probabilities[index]
      scores.thresholds[label] = head.thresholds[index]
    }
    return scores
  }
}

/// Where the model and the head of moderation come from.
public struct ModerationOffer: Sendable {
  /// Used in place of a model loaded for it where the service serves one of this name.
  public let base: String
  public let head: ClassificationHead
  /// nil: only where the service serves the model anyway.
  public let load: (@Sendable () throws -> TextGenerator)?

  public init(
    base: String, head: ClassificationHead, load: (@Sendable () throws -> TextGenerator)?
  ) {
    (self.base, self.head, self.load) = (base, head, load)
  }
}

/// Looks at questions before a model sees them, and at answers while they are written.
package final class Moderator: Sendable {
  let policy: ModerationPolicy
  private let loaded = Mutex<(any ModerationClassifier)?>(nil)

  package init(_ policy: ModerationPolicy, _ classifier: (any ModerationClassifier)? = nil) {
    self.policy = policy
    loaded.withLock { $0 = classifier }
  }

  /// nil while it loads, and where the service has none.
  var classifier: (any ModerationClassifier)? { loaded.withLock { $0 } }
  func use(_ classifier: any ModerationClassifier) { loaded.withLock { $0 = classifier } }

  /// The longest wait for a look, in seconds.
  static let longestWait = 10.0

  /// What to do about a question; nothing where moderation is off.
  /// - Throws: `AnswerRefusal.crowded` where too many texts wait to be looked at.
  func verdict(on text: String) async throws -> ModerationVerdict {
    guard !policy.isOff, let classifier, !text.isEmpty else { return ModerationVerdict() }
    let wait = classifier.wait
    guard wait <= Self.longestWait else {
      throw AnswerRefusal.crowded(wait: wait - Self.longestWait)
    }
    return policy.verdict(try await classifier.scores(text))
  }
}
