import Synchronization

/// What an event means to whoever watches a text.
enum WatchedEvent {
  case text(String)
  case end
  case other
}

extension Moderator {
  /// Passes a text on while it is looked at. A look never holds text back; where it says that the text
  /// may not go on, `refused` is its last event, made from the one that would have ended it, if it came
  /// so far. `told` hears once, before the end, of what was found, where anything was.
  func watching<Event: Sendable>(
    _ events: AsyncThrowingStream<Event, any Error>,
    reading: @escaping @Sendable (Event) -> WatchedEvent,
    refused: @escaping @Sendable (Event?) -> Event,
    told: @escaping @Sendable (ModerationVerdict) async -> Void
  ) -> AsyncThrowingStream<Event, any Error> {
    guard !policy.isOff, classifier != nil else { return events }
    return AsyncThrowingStream { continuation in
      let reader = Task {
        let text = WatchedText(self)
        do {
          for try await event in events {
            switch reading(event) {
            case .other: continuation.yield(event)
            case .text(let fresh):
              continuation.yield(event)
              text.append(fresh)
            case .end:
              await text.lookAtTheEnd()
              let verdict = text.verdict
              if verdict.isFlagged { await told(verdict) }
              continuation.yield(verdict.isRefused ? refused(event) : event)
              return continuation.finish()
            }
            if text.verdict.isRefused {
              await told(text.verdict)
              continuation.yield(refused(nil))
              return continuation.finish()
            }
          }
          // Given up in the middle.
          if text.verdict.isFlagged { await told(text.verdict) }
          continuation.finish()
        } catch {
          if text.verdict.isFlagged { await told(text.verdict) }
          continuation.finish(throwing: error)
        }
      }
      continuation.onTermination = { _ in reader.cancel() }
    }
  }
}

/// A text that is looked at while it grows: at what is new, and some of what came before it.
final class WatchedText: Sendable {
  /// Characters that are written between two looks, and that each look sees.
  static let (stride, sight) = (240, 720)

  private struct State {
    var text = ""
    var unseen = 0
    var look: Task<Void, Never>?
    var verdict = ModerationVerdict()
  }

  private let moderator: Moderator
  private let state = Mutex(State())

  init(_ moderator: Moderator) { self.moderator = moderator }

  /// The most serious that was found so far.
  var verdict: ModerationVerdict { state.withLock { $0.verdict } }

  func append(_ fresh: String) {
    state.withLock { state in
      state.text += fresh
      state.unseen += fresh.count
      guard state.unseen >= Self.stride, state.look == nil else { return }
      state.look = look(&state)
    }
  }

  /// Looks at what nobody has seen, and returns when every look is over.
  func lookAtTheEnd() async {
    await state.withLock { $0.look }?.value
    let last = state.withLock { state in state.unseen > 0 ? look(&state) : nil }
    await last?.value
  }

  private func look(_ state: inout State) -> Task<Void, Never> {
    let seen = String(state.text.suffix(max(Self.sight, state.unseen)))
    state.unseen = 0
    return Task {
      // A look that fails says nothing; the next one sees the same text again.
      let found = try? await self.moderator.verdict(on: seen)
      self.state.withLock { state in
        state.look = nil
        guard let found else { return }
        state.verdict.isRefused = state.verdict.isRefused || found.isRefused
        state.verdict.categories.merge(found.categories) { max($0, $1) }
      }
    }
  }
}
