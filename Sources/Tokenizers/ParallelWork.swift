import Dispatch
import Synchronization

/// What `body` gives for each of `0..<count`, in order, worked out by at most `threads` threads,
/// the caller's among them; throws the error of the lowest number that failed.
func inParallel<Result: Sendable>(
  _ count: Int, threads: Int, _ body: @Sendable (Int) throws -> Result
) throws -> [Result] {
  guard threads > 1 && count > 1 else { return try (0..<count).map(body) }
  let next = Atomic(0)
  let outcomes = Mutex([Swift.Result<Result, any Error>?](repeating: nil, count: count))
  DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
    while true {
      let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
      guard number < count else { return }
      let outcome = Swift.Result { try body(number) }
      outcomes.withLock { $0[number] = outcome }
    }
  }
  return try outcomes.withLock { $0 }.map { try $0!.get() }
}
