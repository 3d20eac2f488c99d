import Foundation

/// Runs `body` on a stack of 16 MiB, enough for whatever the limits let a template nest: the
/// caller's may be a thread's of 512 KiB.
func withTemplateStack<Success: Sendable>(
  _ body: @escaping @Sendable () throws -> Success
) throws -> Success {
  let outcome = TemplateOutcome<Success>()
  let done = DispatchSemaphore(value: 0)
  let thread = Thread {
    outcome.result = Result { try body() }
    done.signal()
  }
  thread.stackSize = 16 << 20
  thread.start()
  done.wait()
  return try outcome.result!.get()
}

private final class TemplateOutcome<Success: Sendable>: @unchecked Sendable {
  // Safe because it is written before the semaphore is signalled and read after it was waited for.
  var result: Result<Success, any Error>?
}
