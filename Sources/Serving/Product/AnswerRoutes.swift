import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import PrimerGeneration

extension Product {
  private struct Question: Decodable {
    /// The answer that the question follows; nil begins the conversation.
    var parent: String?
    var content: String
    /// How many answers to write: 2 to be compared, up to 5 to be ranked. Default 1.
    var answers: Int?
  }

  private struct Again: Decodable {
    /// The question to answer.
    var parent: String
    var answers: Int?
  }

  private struct Asked: Encodable {
    var question: StoredMessage?
    var answers: [StoredMessage]
    /// Set when there was no room: the question is kept, and may be sent again as `parent`.
    var crowded: Double?
  }

  static let longestQuestion = 1 << 20
  static let answersAtOnce = 8

  func addAnswers(_ routes: ProductRoutes<some RequestContext>) {
    routes.on(.post, "api/conversations/{id}/messages") { request, context, caller in
      let asked = try await body(Question.self, of: request)
      let id = try context.parameters.require("id")
      guard !asked.content.allSatisfy(\.isWhitespace) else {
        throw Refusal(.unprocessableContent, "a question has at least one character")
      }
      guard asked.content.utf8.count <= Self.longestQuestion else {
        throw Refusal(.contentTooLarge, "a question has at most \(Self.longestQuestion) bytes")
      }
      try await requireRoom(for: asked.answers ?? 1, caller)
      let question = try await caller.store.addQuestion(asked.content, to: id, under: asked.parent)
      try await nameConversation(id, after: asked.content, caller.store)
      return try await answer(question, count: asked.answers ?? 1, caller, kept: question)
    }
    routes.on(.post, "api/conversations/{id}/answers") { request, context, caller in
      let again = try await body(Again.self, of: request)
      let question = try await caller.store.message(again.parent)
      let id = try context.parameters.require("id")
      guard question.role == .user, question.conversation == id else {
        throw Refusal(.unprocessableContent, "only a question of this conversation is answered")
      }
      try await requireRoom(for: again.answers ?? 1, caller)
      return try await answer(question, count: again.answers ?? 1, caller, kept: nil)
    }
    routes.on(.get, "api/streams/{id}") { request, context, caller in
      let id = try context.parameters.require("id")
      let last = HTTPField.Name("Last-Event-ID").flatMap { request.headers[$0] }
      let from = last ?? request.uri.queryParameters["from"].map { String($0) } ?? "0"
      guard let start = Int(from), start >= 0 else {
        throw Refusal(.badRequest, "from is a number of UTF-16 units")
      }
      let message = try await caller.store.message(id)
      return stream(message, from: start, caller)
    }
    routes.on(.delete, "api/streams/{id}") { _, context, caller in
      let message = try await caller.store.message(context.parameters.require("id"))
      await live.stop(message.id, for: caller.user.id)
      return .nothing
    }
  }

  /// The first line of the first question names a conversation that has no name.
  private func nameConversation(_ id: String, after question: String, _ store: OwnedStore)
    async throws
  {
    guard try await store.conversation(id).title.isEmpty else { return }
    let line = question.split(whereSeparator: \.isNewline).first.map { String($0) } ?? "…"
    let title = line.count > 60 ? line.prefix(59) + "…" : line[...]
    try await store.updateConversation(id, title: String(title))
  }

  private func requireRoom(for count: Int, _ caller: PageCaller) async throws {
    guard (1...5).contains(count) else {
      throw Refusal(.unprocessableContent, "1 to 5 answers at once")
    }
    guard await live.count(for: caller.user.id) + count <= Self.answersAtOnce else {
      throw Refusal(.tooManyRequests, "wait for the answers that are being written", wait: 5)
    }
  }

  /// Begins `count` answers to `question`: all of them or, when there is no room, none.
  private func answer(
    _ question: StoredMessage, count: Int, _ caller: PageCaller, kept: StoredMessage?
  ) async throws -> Response {
    let conversation = try await caller.store.conversation(question.conversation)
    let verdict: ModerationVerdict
    do {
      verdict = try await moderator?.verdict(on: question.content) ?? ModerationVerdict()
    } catch AnswerRefusal.crowded(let wait) {
      return crowded(wait, kept)
    }
    if verdict.isFlagged {
      try await caller.store.flag(
        question.id, categories: verdict.categories, refused: verdict.isRefused)
    }
    guard !verdict.isRefused else {
      let answer = try await refusedAnswer(to: question, conversation, caller.store)
      return .json(Asked(question: kept, answers: [answer]), .created)
    }
    let branch = try await caller.store.branch(to: question.id)
    var requests = AnswerRequest(
      user: caller.user.id, model: conversation.model,
      messages: Self.messages(branch, under: conversation.system),
      sampling: conversation.sampling)
    var begun: [AsyncThrowingStream<AnswerEvent, any Error>] = []
    var drawn: [SamplingChoice] = []
    do {
      for number in 0..<count {
        // Kept with the answer, so that it can be made again.
        requests.sampling.seed =
          conversation.sampling.seed.map { $0 &+ number } ?? Int.random(in: 0..<1 << 31)
        begun.append(try await source.answer(requests))
        drawn.append(requests.sampling)
      }
    } catch AnswerRefusal.crowded(let wait) {
      begun.removeAll()
      return crowded(wait, kept)
    }
    var answers: [StoredMessage] = []
    for (events, sampling) in zip(begun, drawn) {
      let answer = try await caller.store.beginAnswer(
        to: question.id, in: conversation.id, model: conversation.model,
        system: conversation.system, sampling: sampling)
      await live.write(
        answer.id, for: caller.user.id, in: caller.store,
        watched(events, answer.id, caller.store))
      answers.append(answer)
    }
    return .json(Asked(question: kept, answers: answers), .created)
  }

  private func crowded(_ wait: Double, _ kept: StoredMessage?) -> Response {
    var response = Response.json(
      Asked(question: kept, answers: [], crowded: wait), .tooManyRequests)
    response.headers[.retryAfter] = String(Int(wait.rounded(.up)))
    return response
  }

  /// The answer to a question that no model has seen.
  private func refusedAnswer(
    to question: StoredMessage, _ conversation: StoredConversation, _ store: OwnedStore
  ) async throws -> StoredMessage {
    let answer = try await store.beginAnswer(
      to: question.id, in: conversation.id, model: conversation.model,
      system: conversation.system, sampling: conversation.sampling)
    try await store.saveAnswer(
      answer.id, content: "", state: .refused, promptTokens: 0, tokens: 0, seconds: 0)
    return try await store.message(answer.id)
  }

  /// An answer that is looked at while it is written.
  private func watched(
    _ events: AsyncThrowingStream<AnswerEvent, any Error>, _ id: String, _ store: OwnedStore
  ) -> AsyncThrowingStream<AnswerEvent, any Error> {
    guard let moderator else { return events }
    return moderator.watching(
      events,
      reading: { event in
        switch event {
        case .text(let text, _): .text(text)
        case .finished: .end
        case .read, .refused: .other
        }
      },
      refused: { last in
        guard case .finished(_, let promptTokens, let tokens)? = last else { return .refused }
        return .finished(.refused, promptTokens: promptTokens, tokens: tokens)
      },
      told: { verdict in
        try? await store.flag(id, categories: verdict.categories, refused: verdict.isRefused)
      })
  }

  private static func messages(_ branch: [StoredMessage], under system: String) -> [ChatMessage] {
    (system.isEmpty ? [] : [ChatMessage(role: "system", content: system)])
      + branch.filter { $0.state != .refused }
      .map { ChatMessage(role: $0.role.rawValue, content: $0.content) }
  }

  /// Server-sent events: `text` with what is new, its id the place to read on from, then `done`.
  /// A browser that loses the connection asks again from the last id by itself.
  private func stream(_ message: StoredMessage, from start: Int, _ caller: PageCaller) -> Response {
    let user = caller.user.id
    return Response(
      status: .ok,
      headers: [
        .contentType: "text/event-stream", .cacheControl: "no-store",
        .xContentTypeOptions: "nosniff",
      ],
      body: ResponseBody { [live, store = caller.store] writer in
        var place = start
        var ticks = await live.ticks(of: message.id, for: user).makeAsyncIterator()
        while let slice = await live.slice(of: message.id, for: user, from: place) {
          place = max(place, slice.end)
          try await writer.write(Self.event(slice))
          if slice.state != .writing { return try await writer.finish(nil) }
          _ = await ticks.next()
        }
        let kept = try await store.message(message.id)
        try await writer.write(Self.event(Self.slice(of: kept, from: place)))
        try await writer.finish(nil)
      })
  }

  private static func slice(of kept: StoredMessage, from start: Int) -> LiveAnswers.Slice {
    let units = Array(kept.content.utf16)
    return LiveAnswers.Slice(
      text: String(decoding: units[min(start, units.count)...], as: UTF16.self), end: units.count,
      state: kept.state == .writing ? .stopped : kept.state, promptTokens: kept.promptTokens,
      tokens: kept.tokens, seconds: kept.seconds)
  }

  private static func event(_ slice: LiveAnswers.Slice) -> ByteBuffer {
    let name = slice.state == .writing ? "text" : "done"
    let data = String(decoding: try! JSONEncoder().encode(slice), as: UTF8.self)
    return ByteBuffer(string: "id: \(slice.end)\nevent: \(name)\ndata: \(data)\n\n")
  }
}
