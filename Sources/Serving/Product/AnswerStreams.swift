import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

extension Product {
  /// An answer that is looked at while it is written.
  func watched(
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

  /// Server-sent events: `text` with what is new, its id the place to read on from, then `done`.
  /// A browser that loses the connection asks again from the last id by itself.
  func stream(_ message: StoredMessage, from start: Int, _ caller: PageCaller) -> Response {
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
          guard slice.state != .writing else {
            try await writer.write(Self.event(slice))
            _ = await ticks.next()
            continue
          }
          let flag = try? await store.flag(on: message.id)
          try await writer.write(Self.event(slice, flag))
          return try await writer.finish(nil)
        }
        let kept = try await store.message(message.id)
        let flag = try await store.flag(on: message.id)
        try await writer.write(Self.event(Self.slice(of: kept, from: place), flag))
        try await writer.finish(nil)
      })
  }

  private static func slice(of kept: StoredMessage, from start: Int) -> LiveAnswers.Slice {
    let units = Array(kept.content.utf16)
    return LiveAnswers.Slice(
      text: String(decoding: units[min(start, units.count)...], as: UTF16.self), end: units.count,
      state: kept.state == .writing ? .stopped : kept.state, promptTokens: kept.promptTokens,
      tokens: kept.tokens, seconds: kept.seconds, wait: kept.wait)
  }

  private static func event(_ slice: LiveAnswers.Slice, _ flag: StoredFlag? = nil) -> ByteBuffer {
    let name = slice.state == .writing ? "text" : "done"
    var told = slice
    told.flag = flag
    let data = String(decoding: try! JSONEncoder().encode(told), as: UTF8.self)
    return ByteBuffer(string: "id: \(slice.end)\nevent: \(name)\ndata: \(data)\n\n")
  }
}
