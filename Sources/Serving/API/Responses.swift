import Hummingbird
import PrimerTokenizers

/// `POST /v1/responses`, and what was kept of them.
struct Responses: Sendable {
  let models: ModelShelf
  let meters: ServiceMeters
  let store: any ResponseStore

  var routes: [Route] {
    [
      Route(
        .post, "/v1/responses", "Answers, and keeps the answer.", access: .scope(.inference),
        body: ResponseFields.body, answer: .any, otherContent: ["text/event-stream"], respond),
      Route(
        .get, "/v1/responses/{response}", "An answer that was kept.", access: .scope(.inference),
        answer: .any
      ) { call in Response(json: try await find(call).document) },
      Route(
        .get, "/v1/responses/{response}/input_items", "What an answer was asked with.",
        access: .scope(.inference), answer: .any
      ) { call in Response(json: Self.items(try await find(call).input)) },
      Route(
        .delete, "/v1/responses/{response}", "Forgets an answer.", access: .scope(.inference),
        answer: .any
      ) { call in
        let id = try call.parameter("response")
        guard try await store.remove(id, owner: call.caller.user) else { throw Self.missing }
        return Response(
          json: .object([
            ("id", .string(id)), ("object", .string("response")), ("deleted", .bool(true)),
          ]))
      },
    ]
  }

  private static let missing = APIError.notFound(
    "There is no such response.", code: "response_not_found")

  private func find(_ call: Call) async throws -> StoredResponse {
    let id = try call.parameter("response")
    guard let found = try await store.find(id, owner: call.caller.user) else { throw Self.missing }
    return found
  }

  private func respond(_ call: Call) async throws -> Response {
    let owner = call.caller.user
    let model = try await models.model(call.body["model"]?.string ?? "")
    var previous: StoredResponse?
    if let id = call.body["previous_response_id"]?.string {
      previous = try await store.find(id, owner: owner)
      guard previous != nil else {
        throw APIError.notFound(
          "There is no such response.", parameter: "previous_response_id",
          code: "previous_response_not_found")
      }
    }
    let request = try ResponseRequest(call.body, after: previous, model, user: owner)
    let texts = try await TextGroup.begin(request.chat.order, count: 1, model, meters)
    let head = AnswerHead("resp_", model)
    let begun = ResponseAnswer(request, head)
    guard request.isStreamed else {
      let answer = try await whileConnected(call.context.channel) {
        var answer = begun
        for try await (_, event) in texts.events { _ = answer.take(event) }
        return answer
      }
      try await keep(answer, request, head.id, owner)
      return Response(json: answer.document)
    }
    return ServerSentEvents.response(call) { events in
      var answer = begun
      func send(_ all: [JSONValue]) async throws {
        for event in all { try await events.send(event, name: event["type"]?.string) }
      }
      try await send(answer.begin())
      for try await (_, event) in texts.events {
        let told = answer.take(event)
        // Kept before the client is told that it is complete.
        if case .finished = event { try await keep(answer, request, head.id, owner) }
        try await send(told)
      }
    }
  }

  private func keep(
    _ answer: ResponseAnswer, _ request: ResponseRequest, _ id: String, _ owner: String
  ) async throws {
    if request.isStored { try await store.insert(answer.stored, id: id, owner: owner) }
  }

  private static func items(_ input: JSONValue) -> JSONValue {
    let given =
      input.array
      ?? [
        .object([
          ("type", .string("message")), ("role", .string("user")),
          (
            "content",
            .array([.object([("type", .string("input_text")), ("text", input)])])
          ),
        ])
      ]
    let data = given.enumerated().map { index, item in
      JSONValue.object(
        [(key: "id", value: .string("item_\(index)"))]
          + (item.members ?? []).filter { $0.key != "id" })
    }
    return .object([
      ("object", .string("list")), ("data", .array(data)), ("has_more", .bool(false)),
      ("first_id", .string("item_0")), ("last_id", .string("item_\(max(0, data.count - 1))")),
    ])
  }
}
