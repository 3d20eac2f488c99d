import CKernels
import Foundation
import Synchronization
import Testing

/// What the items of a region leave behind: how often each was handled, and by which workers.
private final class Record: Sendable {
  let visits: Mutex<[Int]>
  let workers = Mutex<Set<Int32>>([])
  let chunks = Mutex<[Int64]>([])
  let inner: Mutex<Int64> = .init(0)
  // Safe because the pool's functions may be called from any thread.
  nonisolated(unsafe) let pool: OpaquePointer?

  init(items: Int64, pool: OpaquePointer?) {
    visits = Mutex(Array(repeating: 0, count: Int(items)))
    self.pool = pool
  }
}

private let note: primer_work = { context, begin, end, worker in
  let record = Unmanaged<Record>.fromOpaque(context!).takeUnretainedValue()
  record.visits.withLock { visits in for i in begin..<end { visits[Int(i)] += 1 } }
  record.workers.withLock { _ = $0.insert(worker) }
  record.chunks.withLock { $0.append(end - begin) }
}

private let countInside: primer_work = { context, begin, end, _ in
  let record = Unmanaged<Record>.fromOpaque(context!).takeUnretainedValue()
  record.inner.withLock { $0 += end - begin }
}

private let runInside: primer_work = { context, begin, end, _ in
  let record = Unmanaged<Record>.fromOpaque(context!).takeUnretainedValue()
  for _ in begin..<end { primer_pool_run(record.pool, 10, 3, countInside, context) }
}

private func run(_ record: Record, items: Int64, chunk: Int64, _ work: primer_work = note) {
  primer_pool_run(record.pool, items, chunk, work, Unmanaged.passUnretained(record).toOpaque())
}

@Suite("Compute pool")
struct PoolTests {
  @Test("handles every item once, in chunks no larger than asked", arguments: [1, 2, 3, 8])
  func everyItem(threads: Int32) throws {
    let pool = try #require(primer_pool_create(threads))
    defer { primer_pool_destroy(pool) }
    for round in 0..<300 {
      let items = Int64(round % 41)
      let chunk = Int64(round % 5 + 1)
      let record = Record(items: items, pool: pool)
      run(record, items: items, chunk: chunk)
      #expect(record.visits.withLock { $0.allSatisfy { $0 == 1 } })
      #expect(record.workers.withLock { $0.allSatisfy { (0..<threads).contains($0) } })
      #expect(record.chunks.withLock { $0.allSatisfy { $0 <= chunk } })
    }
  }

  @Test("runs without a pool")
  func withoutPool() {
    let record = Record(items: 7, pool: nil)
    run(record, items: 7, chunk: 2)
    #expect(record.visits.withLock { $0 } == Array(repeating: 1, count: 7))
    #expect(primer_pool_threads(nil) == 1)
  }

  @Test("a region inside a region does all its items")
  func nested() throws {
    let pool = try #require(primer_pool_create(3))
    defer { primer_pool_destroy(pool) }
    let record = Record(items: 0, pool: pool)
    run(record, items: 20, chunk: 1, runInside)
    #expect(record.inner.withLock { $0 } == 200)
  }

  @Test("callers on several threads do not disturb each other")
  func concurrentCallers() throws {
    let pool = try #require(primer_pool_create(2))
    defer { primer_pool_destroy(pool) }
    let shared = Record(items: 0, pool: pool)
    let wrong = Mutex(0)
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<500 {
        let record = Record(items: 12, pool: shared.pool)
        run(record, items: 12, chunk: 1)
        if record.visits.withLock({ $0.contains { $0 != 1 } }) { wrong.withLock { $0 += 1 } }
      }
    }
    #expect(wrong.withLock { $0 } == 0)
  }

  @Test("wakes sleeping workers")
  func sleeping() throws {
    let pool = try #require(primer_pool_create(2))
    defer { primer_pool_destroy(pool) }
    for _ in 0..<3 {
      usleep(20_000)
      let record = Record(items: 64, pool: pool)
      run(record, items: 64, chunk: 1)
      #expect(record.visits.withLock { $0.allSatisfy { $0 == 1 } })
    }
  }

  @Test("counts at least one core and no more than the machine's processors")
  func cores() {
    let cores = Int(primer_physical_cores())
    #expect((1...ProcessInfo.processInfo.processorCount).contains(cores))
  }
}
