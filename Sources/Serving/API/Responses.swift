import Hummingbird
import PrimerTokenizers

/// `POST /v1/responses`, and what was kept of them.
struct Responses: Sendable {
  let models: ModelShelf
  let meters: ServiceMeters
  let store: any ResponseStore
  let runs: ResponseRuns

  var routes: [Route] {
    [
      Route(
        .post, "/v1/responses", "Answers, and keeps the answer.", access: .scope(.inference),
        body: ResponseFields.body, answer: ResponseAnswerFields.response,
        events: ResponseAnswerFields.stream, respond),
      Route(
        .get, "/v1/responses/{response}", "An answer that was kept.", access: .scope(.inference),
        query: ResponseAnswerFields.retrieval, answer: ResponseAnswerFields.response
      ) { call in Response(json: try await find(call).document) },
      Route(
        .get, "/v1/responses/{response}/input_items", "What an answer was asked with.",
        access: .scope(.inference), query: ResponseAnswerFields.paging,
        answer: ResponseAnswerFields.inputItems
      ) { call in
        let id = try call.parameter("response")
        return Response(json: try InputItems(try await find(call).input, of: id).page(call.query))
      },
      Route(
        .delete, "/v1/responses/{response}", "Forgets an answer.", access: .scope(.inference),
        answer: ResponseAnswerFields.deleted
      ) { call in
        let id = try call.parameter("response")
        _ = await runs.cancel(id, owner: call.caller.user)
        guard try await store.remove(id, owner: call.caller.user) else { throw Self.missing }
        return Response(
          json: .object([
            ("id", .string(id)), ("object", .string("response")), ("deleted", .bool(true)),
          ]))
      },
      Route(
        .post, "/v1/responses/{response}/cancel", "Stops an answer in the background.",
        access: .scope(.inference), answer: ResponseAnswerFields.response, cancel),
    ]
  }

  private static let missing = APIError.notFound(
    "There is no such response.", code: "response_not_found")

  private func find(_ call: Call) async throws -> StoredResponse {
    let id = try call.parameter("response")
    guard let found = try await find(id, owner: call.caller.user) else { throw Self.missing }
    return found
  }

  private func find(_ id: String, owner: String) async throws -> StoredResponse? {
    if let running = runs.answer(id, owner: owner) { return running.stored }
    return try await store.find(id, owner: owner)?.ended
  }

  private func cancel(_ call: Call) async throws -> Response {
    if let answer = await runs.cancel(try call.parameter("response"), owner: call.caller.user) {
      return Response(json: answer.document)
    }
    let status = try await find(call).document["status"]?.string ?? ""
    throw APIError.invalid(
      nil, "This response is not being written in the background; its status is '\(status)'.",
      code: "response_not_cancellable")
  }

  /// The answer that a request goes on from.
  private func previous(_ body: JSONValue, owner: String) async throws -> StoredResponse? {
    guard let id = body["previous_response_id"]?.string else { return nil }
    guard let found = try await find(id, owner: owner) else {
      throw APIError.notFound(
        "There is no such response.", parameter: "previous_response_id",
        code: "previous_response_not_found")
    }
    let status = found.document["status"]?.string ?? ""
    guard ["completed", "incomplete"].contains(status) else {
      throw APIError.invalid(
        "previous_response_id", "That response cannot be gone on from; its status is '\(status)'.",
        code: "previous_response_not_complete")
    }
    return found
  }

  private func respond(_ call: Call) async throws -> Response {
    let owner = call.caller.user
    let model = try await models.model(call.body["model"]?.string ?? "")
    let before = try await previous(call.body, owner: owner)
    let request = try await whileConnected(call.context.channel) {
      try ResponseRequest(call.body, after: before) { try ChatRequest($0, model, user: owner) }
    }
    let texts = try await TextGroup.begin(request.chat.order, count: 1, model, meters)
    let head = AnswerHead("resp_", model)
    let begun = ResponseAnswer(request, head)
    if request.isInBackground {
      // What is kept of it now says later that it was cut off, if the service ends before.
      try await keep(begun, request, head.id, owner)
      runs.begin(begun, texts, id: head.id, owner: owner, call.context) { answer in
        try await keep(answer, request, head.id, owner)
      }
      return Response(json: begun.document)
    }
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
      do {
        for try await (_, event) in texts.events {
          let told = answer.take(event)
          // Kept before the client is told that it is complete.
          if case .finished = event { try await keep(answer, request, head.id, owner) }
          try await send(told)
        }
      } catch  where !ServerSentEvents.isGone(error) {
        try await send([answer.fail(APIError(error))])
      }
    }
  }

  private func keep(
    _ answer: ResponseAnswer, _ request: ResponseRequest, _ id: String, _ owner: String
  ) async throws {
    if request.isStored { try await store.insert(answer.stored, id: id, owner: owner) }
  }
}
