import Synchronization

/// Buffers of an encoder that wait for the next call; a pool serves one model, whose pieces they remember.
final class ScratchPool<Scratch: AnyObject>: Sendable {
  private struct Waiting: @unchecked Sendable {
    // Safe because a buffer is either here or in the hands of one call.
    var scratches: [Scratch] = []
  }

  private let waiting = Mutex(Waiting())
  private let make: @Sendable () -> Scratch

  init(_ make: @escaping @Sendable () -> Scratch) { self.make = make }

  func lend<Result>(_ body: (Scratch) throws -> Result) rethrows -> Result {
    let lent = waiting.withLock { $0.scratches.popLast() }
    let scratch = lent ?? make()
    defer {
      let back = Waiting(scratches: [scratch])
      waiting.withLock { $0.scratches += back.scratches }
    }
    return try body(scratch)
  }
}
