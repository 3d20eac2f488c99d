import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

extension Product {
  /// What a page sends of a conversation; nil is left as it is.
  private struct ConversationChange: Decodable {
    var title: String?
    var system: String?
    var model: String?
    var sampling: SamplingChoice?
    var leaf: String?

    func checked() throws -> Self {
      if let title, title.count > 300 { throw Refusal(.unprocessableContent, "a shorter title") }
      if let system, system.utf8.count > 1 << 18 {
        throw Refusal(.unprocessableContent, "a shorter system text")
      }
      if let complaint = sampling?.complaint { throw Refusal(.unprocessableContent, complaint) }
      return self
    }
  }

  struct WholeConversation: Codable {
    var conversation: StoredConversation
    var messages: [StoredMessage]
    var feedback: [StoredFeedback]
    var flags: [StoredFlag]
  }

  func addConversations(_ routes: ProductRoutes<some RequestContext>) {
    routes.on(.get, "api/conversations") { request, _, caller in
      let search = request.uri.queryParameters["search"].map { String($0) } ?? ""
      return .json(try await caller.store.conversations(search: search))
    }
    routes.on(.post, "api/conversations") { request, _, caller in
      let new = try await body(ConversationChange.self, of: request).checked()
      let standard = await source.models().first?.name ?? ""
      let made = try await caller.store.createConversation(
        title: new.title ?? "", system: new.system ?? "", model: new.model ?? standard,
        sampling: new.sampling ?? SamplingChoice())
      return .json(made, .created)
    }
    routes.on(.get, "api/conversations/{id}") { _, context, caller in
      .json(try await whole(context.parameters.require("id"), caller.store))
    }
    routes.on(.patch, "api/conversations/{id}") { request, context, caller in
      let change = try await body(ConversationChange.self, of: request).checked()
      try await caller.store.updateConversation(
        context.parameters.require("id"), title: change.title, system: change.system,
        model: change.model, sampling: change.sampling, leaf: change.leaf)
      return .nothing
    }
    routes.on(.delete, "api/conversations/{id}") { _, context, caller in
      let id = try context.parameters.require("id")
      for message in try await caller.store.messages(of: id) where message.state == .writing {
        await live.stop(message.id, for: caller.user.id)
      }
      try await caller.store.deleteConversation(id)
      return .nothing
    }
    routes.on(.get, "api/conversations/{id}/export") { request, context, caller in
      let whole = try await whole(context.parameters.require("id"), caller.store)
      return request.uri.queryParameters["format"] == "markdown"
        ? Self.file("conversation.md", "text/markdown; charset=utf-8", Data(whole.markdown.utf8))
        : Self.file("conversation.json", "application/json", try JSONEncoder().encode(whole))
    }
    routes.on(.get, "api/export") { _, _, caller in
      var all: [WholeConversation] = []
      for one in try await caller.store.conversations(limit: 1_000_000) {
        all.append(try await whole(one.id, caller.store))
      }
      return Self.file("conversations.json", "application/json", try JSONEncoder().encode(all))
    }
  }

  private func whole(_ id: String, _ store: OwnedStore) async throws -> WholeConversation {
    WholeConversation(
      conversation: try await store.conversation(id), messages: try await store.messages(of: id),
      feedback: try await store.feedback(in: id), flags: try await store.flags(in: id))
  }

  private static func file(_ name: String, _ type: String, _ data: Data) -> Response {
    Response(
      status: .ok,
      headers: [
        .contentType: type, .contentDisposition: "attachment; filename=\"\(name)\"",
        .xContentTypeOptions: "nosniff", .cacheControl: "no-store",
      ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
  }
}

extension Product.WholeConversation {
  /// The branch last seen, as Markdown.
  var markdown: String {
    let byIdentifier = Dictionary(uniqueKeysWithValues: messages.map { ($0.id, $0) })
    var branch: [StoredMessage] = []
    var next = conversation.leaf
    while let id = next, let message = byIdentifier[id] {
      branch.append(message)
      next = message.parent
    }
    let title = "# \(conversation.title)\n"
    let system = conversation.system.isEmpty ? "" : "\n> \(conversation.system)\n"
    return title + system
      + branch.reversed().map { message in
        "\n## \(message.role == .user ? "You" : message.model ?? "Answer")\n\n\(message.content)\n"
      }.joined()
  }
}
