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
  /// Where the model is: if the service serves the one that is there, its weights are used.
  public let source: String
  public let head: ClassificationHead
  public let load: @Sendable () throws -> TextGenerator

  public init(
    source: String, head: ClassificationHead, load: @escaping @Sendable () throws -> TextGenerator
  ) {
    (self.source, self.head, self.load) = (source, head, load)
  }
}

/// Looks at questions before a model sees them, and at answers while they are written.
package final class Moderator: Sendable {
  let policy: ModerationPolicy
  private let loaded = Mutex<(any ModerationClassifier)?>(nil)
  private let isSettled = Occurrence()

  /// One whose classifier is still to come: what is to be looked at waits for `settle`.
  init(_ policy: ModerationPolicy) { self.policy = policy }

  package init(_ policy: ModerationPolicy, _ classifier: any ModerationClassifier) {
    self.policy = policy
    settle(classifier)
  }

  /// nil while it loads, and where the service has none.
  var classifier: (any ModerationClassifier)? { loaded.withLock { $0 } }

  /// From now on texts are looked at by `classifier`; nil: by nobody.
  func settle(_ classifier: (any ModerationClassifier)?) {
    loaded.withLock { $0 = classifier }
    isSettled.happen()
  }

  /// The classifier, once it is known whether there is one.
  /// - Throws: `AnswerRefusal.crowded` where that takes too long.
  func settledClassifier() async throws -> (any ModerationClassifier)? {
    guard await isSettled.happens(within: .seconds(60)) else {
      try Task.checkCancellation()
      throw AnswerRefusal.crowded(wait: 5)
    }
    return classifier
  }

  /// The longest wait for a look, in seconds.
  static let longestWait = 10.0

  /// What to do about a question; nothing where moderation is off.
  /// - Throws: `AnswerRefusal.crowded` where too many texts wait to be looked at.
  func verdict(on text: String) async throws -> ModerationVerdict {
    guard !policy.isOff, !text.isEmpty, let classifier = try await settledClassifier() else {
      return ModerationVerdict()
    }
    let wait = classifier.wait
    guard wait <= Self.longestWait else {
      throw AnswerRefusal.crowded(wait: wait - Self.longestWait)
    }
    return policy.verdict(try await classifier.scores(text))
  }
}
