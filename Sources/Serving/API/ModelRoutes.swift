import Hummingbird
import PrimerTokenizers

/// `GET /v1/models` and `GET /v1/models/{model}`.
struct ModelRoutes: Sendable {
  let models: ModelShelf

  private static let model = Shape.named(
    "Model",
    .object([
      Field("id", .string(), required: true), Field("object", .choice(["model"]), required: true),
      Field("created", .integer(), required: true), Field("owned_by", .string(), required: true),
      Field(
        "max_model_len", .integer(), "Tokens of its context; absent where its files cannot be read."
      ),
    ]))

  var routes: [Route] {
    [
      Route(
        .get, "/v1/models", "The models, loaded or not.", access: .scope(.inference),
        answer: .object([
          Field("object", .choice(["list"]), required: true),
          Field("data", .list(Self.model), required: true),
        ])
      ) { _ in
        let all = await models.cards().map(document)
        return Response(json: .object([("object", .string("list")), ("data", .array(all))]))
      },
      Route(
        .get, "/v1/models/{model}", "One model.", access: .scope(.inference), answer: Self.model
      ) { call in
        Response(json: document(try await models.card(try call.parameter("model"))))
      },
    ]
  }

  private func document(_ card: ModelCard) -> JSONValue {
    .object(
      [
        ("id", .string(card.name)), ("object", .string("model")),
        ("created", .integer(models.created)), ("owned_by", .string("primer")),
      ] + (card.context.map { [("max_model_len", .integer($0))] } ?? []))
  }
}
