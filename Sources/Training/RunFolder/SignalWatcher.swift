import Foundation
import Synchronization

/// Turns the first SIGINT or SIGTERM into a flag, so that a run can save and say how to go on; a
/// second one ends the process at once. What the signals did before returns when the value ends; a
/// process has but one watcher of a signal in its life, since on Linux Dispatch minds a second one no
/// more.
public final class SignalWatcher {
  private final class State: Sendable {
    let received = Atomic<Int32>(0)
  }

  private let state = State()
  private let sources: [any DispatchSourceSignal]
  private let before: [(signal: Int32, handler: sighandler_t?)]

  public convenience init() {
    self.init([SIGINT, SIGTERM]) { signal in _exit(128 + signal) }
  }

  /// - Parameter atSecond: what a second signal does.
  package init(_ signals: [Int32], atSecond: @escaping @Sendable (Int32) -> Void) {
    let state = state
    let queue = DispatchQueue(label: "primer.signals")
    let registered = DispatchGroup()
    before = signals.map { number in (number, signal(number, SIG_IGN)) }
    sources = signals.map { number in
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        let first = state.received.compareExchange(
          expected: 0, desired: number, ordering: .relaxed)
        if !first.exchanged { atSecond(number) }
      }
      registered.enter()
      source.setRegistrationHandler { registered.leave() }
      source.resume()
      return source
    }
    // A signal that came before would be lost.
    registered.wait()
  }

  deinit {
    for source in sources { source.cancel() }
    for (number, handler) in before { signal(number, handler) }
  }

  /// The signal that came, if one did.
  public var received: Int32? {
    let signal = state.received.load(ordering: .relaxed)
    return signal == 0 ? nil : signal
  }

  public var isInterrupted: Bool { received != nil }

  /// Waits for the next signal as for the first.
  package func forget() { state.received.store(0, ordering: .relaxed) }
}
