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
    /// What moderation found in the question.
    var flag: StoredFlag?
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
    var asked = Asked(question: kept, answers: [])
    do {
      asked.flag = try await look(at: question, caller.store)
    } catch AnswerRefusal.crowded(let wait) {
      return crowded(wait, kept)
    }
    if let flag = asked.flag, flag.refused, flag.state != .dismissed {
      asked.answers = [try await refusedAnswer(to: question, conversation, caller.store)]
      return .json(asked, .created)
    }
    let branch = try await caller.store.branch(to: question.id)
    var request = AnswerRequest(
      user: caller.user.id, model: conversation.model,
      messages: Self.messages(branch, under: conversation.system), sampling: SamplingChoice())
    var begun: [(events: AsyncThrowingStream<AnswerEvent, any Error>, sampling: SamplingChoice)] =
      []
    do {
      for number in 0..<count {
        // Whole, and with its seed, so that the answer can be made again.
        request.sampling = source.completed(conversation.sampling)
        request.sampling.seed =
          conversation.sampling.seed.map { $0 &+ number } ?? Int.random(in: 0..<1 << 31)
        begun.append((try await source.answer(request), request.sampling))
      }
    } catch AnswerRefusal.crowded(let wait) {
      begun.removeAll()
      return crowded(wait, kept)
    }
    let version = await source.models().first { $0.name == conversation.model }?.version
    let compared = count > 1 ? randomIdentifier() : nil
    for (events, sampling) in begun {
      let answer = try await caller.store.beginAnswer(
        to: question.id, in: conversation.id, model: conversation.model, version: version,
        system: conversation.system, sampling: sampling, compared: compared)
      await live.write(
        answer.id, for: caller.user.id, in: caller.store,
        watched(events, answer.id, caller.store))
      asked.answers.append(answer)
    }
    return .json(asked, .created)
  }

  /// What moderation finds in a question. One that an administrator has found harmless is not looked
  /// at again.
  /// - Throws: `AnswerRefusal.crowded`.
  private func look(at question: StoredMessage, _ store: OwnedStore) async throws -> StoredFlag? {
    guard let moderator else { return nil }
    if let flag = try await store.flag(on: question.id), flag.state == .dismissed { return flag }
    let verdict = try await moderator.verdict(on: question.content)
    guard verdict.isFlagged else { return nil }
    try await store.flag(
      question.id, categories: verdict.categories, refused: verdict.isRefused)
    return try await store.flag(on: question.id)
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

  /// What a model reads of a branch: no answer that was refused, and no question that led to one;
  /// questions that nothing stands between are one.
  static func messages(_ branch: some Sequence<StoredMessage>, under system: String)
    -> [ChatMessage]
  {
    var turns: [ChatMessage] = []
    for message in branch {
      if message.state == .refused {
        if turns.last?.role == "user" { turns.removeLast() }
      } else if message.role == .user, let before = turns.last, before.role == "user" {
        turns[turns.count - 1] = ChatMessage(
          role: "user", content: before.content + "\n\n" + message.content)
      } else {
        turns.append(ChatMessage(role: message.role.rawValue, content: message.content))
      }
    }
    return (system.isEmpty ? [] : [ChatMessage(role: "system", content: system)]) + turns
  }
}
