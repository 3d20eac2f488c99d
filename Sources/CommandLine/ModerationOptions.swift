public import ArgumentParser
import CModerationHead
import Foundation
import PrimerGeneration
public import PrimerServing

/// How `primer serve` moderates.
struct ModerationOptions: ParsableArguments {
  @Option(
    help: """
      What happens to questions and answers that belong to a category of harm: off, flag (shown to \
      administrators) or refuse.
      """)
  var moderation = ModerationPolicy.Action.flag

  @Option(
    name: .customLong("moderate"),
    help: ArgumentHelp(
      "The same for one category, and the probability from which on a text belongs to it.",
      valueName: "category=action[:threshold]"))
  var categories: [String] = []

  @Option(help: "A head of 'primer tune', in place of the one that comes with Primer.")
  var moderationHead: String?

  @Option(help: "The model that the head was trained on (default: the one it names).")
  var moderationModel: String?

  func policy() throws -> ModerationPolicy {
    var policy = ModerationPolicy()
    policy.standard = moderation
    // Where nothing else is said, a question about a minor's body is not answered.
    if moderation == .flag { policy.actions["sexual/minors"] = .refuse }
    for text in categories { try Self.read(text, into: &policy) }
    return policy
  }

  private static func read(_ text: String, into policy: inout ModerationPolicy) throws {
    let sides = text.split(separator: "=", maxSplits: 1).map(String.init)
    let parts = sides.last!.split(separator: ":", maxSplits: 1).map(String.init)
    guard sides.count == 2, let action = parts.first.flatMap(ModerationPolicy.Action.init) else {
      throw ValidationError(
        "--moderate \(text): write CATEGORY=off, =flag or =refuse, and :0.8 behind it for a threshold"
      )
    }
    guard ModerationPolicy.categories.contains(sides[0]) else {
      throw ValidationError(
        "--moderate \(text): the categories are \(ModerationPolicy.categories.joined(separator: ", "))"
      )
    }
    policy.actions[sides[0]] = action
    guard parts.count == 2 else { return }
    guard let threshold = Double(parts[1]), (0...1).contains(threshold) else {
      throw ValidationError("--moderate \(text): a threshold lies in 0 ... 1")
    }
    policy.thresholds[sides[0]] = threshold
  }

  /// The head, and its model where it is at hand; nil where it is not and nobody asked for it.
  func offer() throws -> ModerationOffer? {
    let head = try head()
    let text = moderationModel ?? head.base
    guard moderationModel != nil || (try? ModelLocation.url(text)) != nil else { return nil }
    return ModerationOffer(source: try ModelLocation.url(text).standardizedFileURL.path, head: head)
    { try ModelLocation.load(text) }
  }

  private func head() throws -> ClassificationHead {
    if let moderationHead { return try ClassificationHead(URL(filePath: moderationHead)) }
    let standard = primer_standard_moderation_head()
    return try ClassificationHead(
      UnsafeRawBufferPointer(start: standard.bytes, count: standard.length),
      named: "the built-in head for moderation")
  }
}

extension ModerationPolicy.Action: ExpressibleByArgument {}
