import PrimerServing

/// Finds violence where a text says "harm", and harassment where it says "insult".
struct WordClassifier: ModerationClassifier {
  let name = "words"
  let assessed: Set<String> = ["violence", "harassment"]
  let wait = 0.0

  func scores(_ text: String) async throws -> ModerationScores {
    ModerationScores(
      scores: [
        "violence": text.contains("harm ") ? 0.9 : 0.1,
        "harassment": text.contains("insult") ? 0.8 : 0.1,
      ], thresholds: ["violence": 0.5, "harassment": 0.5])
  }
}

extension ModerationPolicy {
  /// Violence is refused, all else flagged.
  static let ofTests = {
    var policy = ModerationPolicy()
    policy.actions["violence"] = .refuse
    return policy
  }()
}
