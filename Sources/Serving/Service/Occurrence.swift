import Synchronization

/// Something that happens once, and that many may wait for.
final class Occurrence: Sendable {
  private struct State {
    var hasHappened = false
    var nextID = 0
    var waiting: [Int: AsyncStream<Void>.Continuation] = [:]
  }

  private let state = Mutex(State())

  var hasHappened: Bool { state.withLock { $0.hasHappened } }
  /// How many wait for it.
  var waiting: Int { state.withLock { $0.waiting.count } }

  /// Tells all who wait.
  func happen() {
    let waiting = state.withLock { state in
      state.hasHappened = true
      defer { state.waiting = [:] }
      return Array(state.waiting.values)
    }
    for one in waiting { one.finish() }
  }

  /// Returns when it has happened, or after `limit`, or when the task is cancelled; whether it has.
  func happens(within limit: Duration) async -> Bool {
    let (ticks, continuation) = AsyncStream<Void>.makeStream()
    let id: Int? = state.withLock { state in
      guard !state.hasHappened else { return nil }
      state.nextID += 1
      state.waiting[state.nextID] = continuation
      return state.nextID
    }
    guard let id else { return true }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { for await _ in ticks {} }
      group.addTask { try? await Task.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
    return state.withLock { state in
      state.waiting[id] = nil
      return state.hasHappened
    }
  }
}
