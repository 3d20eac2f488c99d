internal import Foundation
internal import Synchronization

/// A thread of its own for an actor: jobs run in order of arrival, and without jobs it sleeps.
final class EngineThread: SerialExecutor {
  private let jobs = JobList()

  init(name: String) {
    let thread = Thread { [jobs] in jobs.run() }
    thread.name = name
    thread.stackSize = 8 << 20
    thread.start()
  }

  deinit { jobs.close() }

  func enqueue(_ job: consuming ExecutorJob) {
    jobs.append(UnownedJob(job), asUnownedSerialExecutor())
  }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}

/// What the thread has to do; outlives its executor until the thread ends.
private final class JobList: @unchecked Sendable {
  // Safe because `condition` guards every field.
  private let condition = NSCondition()
  private var jobs: [(job: UnownedJob, executor: UnownedSerialExecutor)] = []
  private var isClosed = false

  func append(_ job: UnownedJob, _ executor: UnownedSerialExecutor) {
    condition.withLock { jobs.append((job, executor)) }
    condition.signal()
  }

  func close() {
    condition.withLock { isClosed = true }
    condition.signal()
  }

  func run() {
    while true {
      let ready = condition.withLock {
        while jobs.isEmpty && !isClosed { condition.wait() }
        defer { jobs = [] }
        return jobs
      }
      if ready.isEmpty { return }
      for (job, executor) in ready { job.runSynchronously(on: executor) }
    }
  }
}
