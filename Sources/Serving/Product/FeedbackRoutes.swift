import HTTPTypes
import Hummingbird
import HummingbirdCore

extension Product {
  private struct Said: Decodable {
    var message: String
    var value: FeedbackValue
  }

  func addFeedback(_ routes: ProductRoutes<some RequestContext>) {
    routes.on(.post, "api/feedback") { request, _, caller in
      let said = try await body(Said.self, of: request)
      guard encoded(said.value).utf8.count <= 1 << 18 else {
        throw Refusal(.contentTooLarge, "feedback has at most 256 KiB")
      }
      try await caller.store.give(said.value, on: said.message)
      return .nothing
    }
    routes.on(.delete, "api/feedback/{message}/{kind}") { _, context, caller in
      try await caller.store.withdrawFeedback(
        context.parameters.require("kind"), on: context.parameters.require("message"))
      return .nothing
    }
  }
}
