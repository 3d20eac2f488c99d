import Foundation
import Hummingbird
import PrimerTokenizers

/// `POST /v1/moderations`: by the same classifier that looks at the page's questions and answers.
struct Moderations: Sendable {
  let moderator: Moderator?

  private static let part = Shape.tagged(
    "type",
    [
      ("text", [Field("text", .string(), required: true)]),
      (
        "image_url",
        [Field("image_url", .any, required: true, effect: .refused("images are not looked at."))]
      ),
    ])

  static let body = Shape.named(
    "ModerationRequest",
    .object([
      Field(
        "input", .either([.string(), .list(.string(), count: 1...64), .list(part, count: 1...64)]),
        required: true),
      Field(
        "model", .string(longest: 512), default: "\"primer-moderation\"",
        effect: .ignored("there is one classifier, whatever it is called.")),
    ]))

  private static func perCategory(_ shape: Shape) -> Shape {
    .object(ModerationCategories.all.map { Field($0, shape, required: true) })
  }

  private static let answer = Shape.named(
    "Moderation",
    .object([
      Field("id", .string(), required: true), Field("model", .string(), required: true),
      Field(
        "results",
        .list(
          .object([
            Field("flagged", .boolean, required: true),
            Field("categories", perCategory(.boolean), required: true),
            Field("category_scores", perCategory(.number(0...1)), required: true),
            Field(
              "category_applied_input_types", perCategory(.list(.choice(["text"]))), required: true,
              "Empty where a category is not assessed."),
          ])), required: true),
    ]))

  var route: Route {
    Route(
      .post, "/v1/moderations", "Whether texts belong to categories of harm.",
      access: .scope(.inference), body: Self.body, answer: Self.answer, respond)
  }

  private func respond(_ call: Call) async throws -> Response {
    guard let classifier = try await moderator?.settledClassifier() else {
      throw APIError.notFound(
        "The service runs without a model for moderation; 'primer serve' says at its start which one it needs.",
        code: "model_not_found")
    }
    let texts = try Self.texts(call.body["input"])
    let wait = classifier.wait
    guard wait <= Moderator.longestWait else {
      throw APIError.tooMany(
        "Too many texts wait to be looked at; try again when Retry-After says.",
        code: "queue_full", retryAfter: .seconds(wait - Moderator.longestWait))
    }
    let results = try await whileConnected(call.context.channel) {
      var results: [JSONValue] = []
      for text in texts {
        results.append(Self.document(try await classifier.scores(text), classifier.assessed))
      }
      return results
    }
    return Response(
      json: .object([
        ("id", .string("modr-" + UUID().uuidString.replacing("-", with: "").lowercased())),
        ("model", .string(classifier.name)), ("results", .array(results)),
      ]))
  }

  /// Parts are one text; strings are several.
  private static func texts(_ input: JSONValue?) throws -> [String] {
    if let text = input?.string { return [text] }
    let items = input?.array ?? []
    let strings = items.compactMap(\.string)
    if strings.count == items.count { return strings }
    return [items.compactMap { $0["text"]?.string }.joined(separator: "\n")]
  }

  private static func document(_ found: ModerationScores, _ assessed: Set<String>) -> JSONValue {
    func each(_ value: (String) -> JSONValue) -> JSONValue {
      .object(ModerationCategories.all.map { ($0, value($0)) })
    }
    func fits(_ category: String) -> Bool {
      found.scores[category].map { $0 >= found.thresholds[category] ?? 1 } ?? false
    }
    return .object([
      ("flagged", .bool(ModerationCategories.all.contains(where: fits))),
      ("categories", each { .bool(fits($0)) }),
      ("category_scores", each { .number(found.scores[$0] ?? 0) }),
      (
        "category_applied_input_types",
        each { .array(assessed.contains($0) ? [.string("text")] : []) }
      ),
    ])
  }
}
