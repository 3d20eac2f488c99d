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
      Field("max_model_len", .integer(), required: true, "Tokens of its context."),
    ]))

  var routes: [Route] {
    [
      Route(
        .get, "/v1/models", "The models that answer.", access: .scope(.inference),
        answer: .object([
          Field("object", .choice(["list"]), required: true),
          Field("data", .list(Self.model), required: true),
        ])
      ) { _ in
        let all = models.all.map(Self.document)
        return Response(json: .object([("object", .string("list")), ("data", .array(all))]))
      },
      Route(
        .get, "/v1/models/{model}", "One model.", access: .scope(.inference), answer: Self.model
      ) { call in
        Response(json: Self.document(try models.model(try call.parameter("model"))))
      },
    ]
  }

  private static func document(_ model: ServedModel) -> JSONValue {
    .object([
      ("id", .string(model.name)), ("object", .string("model")),
      ("created", .integer(model.created)), ("owned_by", .string("primer")),
      ("max_model_len", .integer(model.context)),
    ])
  }
}
