import Foundation
import Hummingbird
import PrimerGeneration
import PrimerModels
import PrimerTokenizers

/// `POST /v1/embeddings`: of a decoder the mean of its last hidden states, of length 1.
struct Embeddings: Sendable {
  let models: ModelShelf

  static let body = Shape.named(
    "EmbeddingRequest",
    .object([
      Field("model", .string(longest: 512), required: true, "A name that /v1/models lists."),
      Field("input", CompletionFields.prompts, required: true),
      Field("encoding_format", .choice(["float", "base64"]), default: "\"float\""),
      Field("dimensions", .integer(1 ... .max), "The first so many numbers, of length 1 again."),
      SamplingFields.user,
    ]))

  private static let answer = Shape.named(
    "EmbeddingList",
    .object([
      Field("object", .choice(["list"]), required: true),
      Field(
        "data",
        .list(
          .object([
            Field("object", .choice(["embedding"]), required: true),
            Field("index", .integer(), required: true),
            Field("embedding", .either([.list(.number()), .string()]), required: true),
          ])), required: true),
      Field("model", .string(), required: true),
      Field(
        "usage",
        .object([
          Field("prompt_tokens", .integer(), required: true),
          Field("total_tokens", .integer(), required: true),
        ]), required: true),
    ]))

  var route: Route {
    Route(
      .post, "/v1/embeddings", "Texts as vectors.", access: .scope(.inference), body: Self.body,
      answer: Self.answer, respond)
  }

  private func respond(_ call: Call) async throws -> Response {
    let model = try await models.model(call.body["model"]?.string ?? "")
    let texts = try Prompts.tokens(call.body["input"], model.tokenizer, at: "input")
    let width = model.generator.model.shape.width
    let dimensions = call.body["dimensions"]?.integer ?? width
    guard dimensions <= width else {
      throw APIError.invalid("dimensions", "This model's vectors have \(width) numbers.")
    }
    for text in texts {
      guard !text.isEmpty else { throw APIError.invalid("input", "A text of 'input' is empty.") }
      guard text.count <= model.context else {
        throw APIError.invalid(
          "input", "A text has \(text.count) tokens, and the context holds \(model.context).",
          code: "context_length_exceeded")
      }
    }
    let isBase64 = call.body["encoding_format"]?.string == "base64"
    let user = call.caller.user
    let vectors = try await whileConnected(call.context.channel) {
      var vectors: [JSONValue] = []
      for text in texts {
        try Task.checkCancellation()
        let vector = try await model.engine.embedding(text, user: user)
        vectors.append(Self.spelled(Self.unit(vector.prefix(dimensions)), isBase64))
      }
      return vectors
    }
    return Response(json: Self.document(vectors, model, tokens: texts.reduce(0) { $0 + $1.count }))
  }

  private static func document(
    _ vectors: [JSONValue], _ model: ServedModel, tokens: Int
  ) -> JSONValue {
    .object([
      ("object", .string("list")),
      (
        "data",
        .array(
          vectors.enumerated().map { index, vector in
            .object([
              ("object", .string("embedding")), ("index", .integer(index)), ("embedding", vector),
            ])
          })
      ),
      ("model", .string(model.name)),
      (
        "usage", .object([("prompt_tokens", .integer(tokens)), ("total_tokens", .integer(tokens))])
      ),
    ])
  }

  /// x / |x|.
  static func unit(_ vector: some Collection<Float>) -> [Float] {
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length > 0 ? vector.map { $0 / length } : Array(vector)
  }

  /// A list of numbers, or base64 of 32-bit floats, lowest byte first.
  static func spelled(_ vector: [Float], _ isBase64: Bool) -> JSONValue {
    guard isBase64 else { return .array(vector.map { .number(Double($0)) }) }
    let bytes = vector.flatMap { number in
      withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
    }
    return .string(Data(bytes).base64EncodedString())
  }
}
