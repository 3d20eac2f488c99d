import Hummingbird
import PrimerTokenizers

/// `POST /tokenize` and `POST /detokenize`.
struct Tokenization: Sendable {
  let models: ModelShelf

  var routes: [Route] {
    [
      Route(
        .post, "/tokenize", "The tokens of a text.", access: .scope(.inference),
        body: .object([
          Field("model", .string(longest: 512), "Default: the first one."),
          Field("content", .string(), required: true),
          Field("add_special", .boolean, default: "false", "Adds the tokens that frame a text."),
          Field(
            "parse_special", .boolean, default: "true",
            "Whether the spelling of a special token stands for it."),
          Field("with_pieces", .boolean, default: "false", "Adds the text of each token."),
        ]),
        answer: .object([
          Field(
            "tokens",
            .list(
              .either([
                .integer(0 ... .max),
                .object([
                  Field("id", .integer(0 ... .max), required: true),
                  Field("piece", .string(), required: true),
                ]),
              ])), required: true, "Numbers, or with with_pieces objects."),
          Field("count", .integer(0 ... .max), required: true),
        ]), tokenize),
      Route(
        .post, "/detokenize", "The text of tokens.", access: .scope(.inference),
        body: .object([
          Field("model", .string(longest: 512), "Default: the first one."),
          Field("tokens", .list(.integer(0...Int(Int32.max))), required: true),
        ]),
        answer: .object([Field("content", .string(), required: true)]), detokenize),
    ]
  }

  private func model(_ call: Call) async throws -> ServedModel {
    if let name = call.body["model"]?.string { return try await models.model(name) }
    return try await models.standard()
  }

  private func tokenize(_ call: Call) async throws -> Response {
    let tokenizer = try await model(call).tokenizer
    let body = call.body
    let ids = try tokenizer.encode(
      body["content"]?.string ?? "",
      special: body["parse_special"]?.bool == false ? .plain : .recognised,
      framed: body["add_special"]?.bool ?? false)
    let tokens = ids.map { id in
      body["with_pieces"]?.bool == true
        ? JSONValue.object([
          ("id", .integer(Int(id))), ("piece", .string(tokenizer.decode([id]))),
        ])
        : .integer(Int(id))
    }
    return Response(
      json: .object([("tokens", .array(tokens)), ("count", .integer(ids.count))]))
  }

  private func detokenize(_ call: Call) async throws -> Response {
    let tokens = (call.body["tokens"]?.array ?? []).compactMap { $0.integer.map(Int32.init) }
    let text = try await model(call).tokenizer.decode(tokens)
    return Response(json: .object([("content", .string(text))]))
  }
}
