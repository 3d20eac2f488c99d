/// The kernels of a pass, to be run again on what its inputs hold then: shapes, views and checks, which
/// take as long as some of the kernels, are gone through once.
///
///     let recording = PassRecording(inputs: [ids, rows.positions])
///     let states = recording.record { model.hidden(ids, pass) }
///     // new ids, and new rows, of the same number
///     if recording.isComplete { recording.replay() }  // `states` hold the new ones
///
/// Weights must be the same, and live as long. What a replay computes are the bytes that the pass itself
/// would give, since the kernels and their order are the same.
package final class PassRecording {
  private var kernels: [(OpaquePointer?) -> Void] = []
  private let inputs: [Storage]
  /// Whether the pass consists of kernels that can be run again: nothing was read from a result or
  /// written by anyone else.
  package private(set) var isComplete = true
  /// Positions below which all tables that the pass uses are long enough.
  package private(set) var positions = Int.max
  /// The pass's own: a replay writes again what lay in it, in the same order.
  let memory = StorageCache()

  @TaskLocal private static var active: Active?

  private struct Active: @unchecked Sendable {
    // Safe because a recording is used by the one task that makes it.
    let recording: PassRecording
  }

  /// Whether a pass can be recorded here: gradients know nothing of replays.
  package static var isPossible: Bool { GradientTape.current == nil && current == nil }

  /// What records now.
  static var current: PassRecording? { active?.recording }

  /// - Parameter inputs: what changes from one replay to the next.
  package init(inputs: [Tensor]) { self.inputs = inputs.map(\.storage) }

  /// Runs `body` and remembers its kernels.
  package func record<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Self.$active.withValue(Active(recording: self), operation: body)
  }

  /// Runs the kernels again, on the current pool.
  package func replay() {
    precondition(isComplete, "a pass that cannot be replayed")
    let pool = ComputePool.current.handle
    for kernel in kernels { kernel(pool) }
  }

  /// Runs `action` now, and at its place in each replay.
  package static func perform(_ action: @escaping () -> Void) {
    action()
    current?.append { _ in action() }
  }

  func append(_ kernel: @escaping (OpaquePointer?) -> Void) { kernels.append(kernel) }

  /// What happens now would not happen in a replay.
  func fail() { isComplete = false }

  /// A pass may look at its inputs; on a result its course would depend.
  func noteReading(of storage: Storage) {
    if !inputs.contains(where: { $0 === storage }) { fail() }
  }

  func limit(positions: Int) { self.positions = min(self.positions, positions) }
}
