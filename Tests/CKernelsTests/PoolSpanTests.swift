import CKernels
import Foundation
import Synchronization
import Testing

/// The chunks of a region in the order in which they were taken, and what idle workers were given.
private final class SpanRecord: Sendable {
  struct State {
    var taken: [(begin: Int64, end: Int64, worker: Int32)] = []
    /// Steps that each worker has done since its last chunk.
    var steps: [Int32: Int64] = [:]
    /// The region from which each worker last had something to do.
    var region: [Int32: UInt64] = [:]
    var idled = 0
    var problems: [String] = []
  }

  let state = Mutex(State())
  let region = Atomic<UInt64>(0)
  let handled = Atomic<Int64>(0)
  let threads: Int32
  let stepLimit: Int64

  init(threads: Int32 = 1, stepLimit: Int64 = 3) {
    self.threads = threads
    self.stepLimit = stepLimit
  }

  var pointer: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

  static func at(_ context: UnsafeRawPointer?) -> SpanRecord {
    Unmanaged<SpanRecord>.fromOpaque(context!).takeUnretainedValue()
  }

  func take(_ begin: Int64, _ end: Int64, _ worker: Int32) {
    state.withLock {
      $0.taken.append((begin, end, worker))
      $0.steps[worker] = 0
      $0.region[worker] = region.load(ordering: .relaxed)
    }
    handled.add(end - begin, ordering: .sequentiallyConsistent)
  }

  /// Waits until `count` items are handled; a pool that lets nobody else work would wait for ever.
  func await(_ count: Int64) {
    let deadline = ContinuousClock.now + .seconds(60)
    while handled.load(ordering: .sequentiallyConsistent) < count {
      if ContinuousClock.now > deadline {
        return state.withLock { $0.problems.append("nobody took the other items") }
      }
      sched_yield()
    }
  }

  var problems: [String] { state.withLock(\.problems) }

  /// Items that were not handled exactly once.
  func wronglyHandled(of items: Int64) -> Int {
    var visits = [Int](repeating: 0, count: Int(items))
    for chunk in state.withLock(\.taken) {
      for i in chunk.begin..<chunk.end { visits[Int(i)] += 1 }
    }
    return visits.count { $0 != 1 }
  }
}

private let takeChunk: primer_work = { context, begin, end, worker in
  SpanRecord.at(context).take(begin, end, worker)
}

/// One item in seven takes long, and the longer the later.
private let takeUnevenly: primer_work = { context, begin, end, worker in
  for i in begin..<end where i % 7 == 0 {
    for _ in 0..<i { sched_yield() }
  }
  SpanRecord.at(context).take(begin, end, worker)
}

/// Returns only when every thread has an item.
private let meetOthers: primer_work = { context, begin, end, worker in
  let record = SpanRecord.at(context)
  record.take(begin, end, worker)
  record.await(Int64(record.threads))
}

/// The first item waits for all others.
private let waitInFirst: primer_work = { context, begin, end, worker in
  let record = SpanRecord.at(context)
  if begin == 0 { record.await(63) }
  record.take(begin, end, worker)
}

/// What idle workers are given: PRIMER_IDLE_BYTES.
private func idleContext(_ record: SpanRecord, region: UInt64) -> [UInt64] {
  [UInt64(UInt(bitPattern: record.pointer)), region] + (2..<8).map { region &* 1000 + $0 }
}

private let noteStep: primer_idle = { context, worker, threads, step in
  let words = (0..<8).map { context!.load(fromByteOffset: 8 * $0, as: UInt64.self) }
  let record = SpanRecord.at(UnsafeRawPointer(bitPattern: UInt(words[0])))
  return record.state.withLock {
    $0.idled += 1
    if words != idleContext(record, region: words[1]) { $0.problems.append("context \(words)") }
    let latest = $0.region[worker] ?? 0
    if latest > words[1] { $0.problems.append("region \(words[1]) after \(latest)") }
    // A worker may find that others have taken all.
    if latest < words[1] { ($0.region[worker], $0.steps[worker]) = (words[1], 0) }
    if threads != record.threads || !(1..<threads).contains(worker) {
      $0.problems.append("worker \(worker) of \(threads)")
    }
    if $0.steps[worker] != step { $0.problems.append("step \(step)") }
    $0.steps[worker] = step + 1
    return step + 1 < record.stepLimit
  }
}

private func runInSpans(
  _ pool: OpaquePointer?, _ record: SpanRecord, items: Int64, chunk: Int64,
  _ work: primer_work = takeChunk, idle: Bool = false
) {
  let region = record.region.add(1, ordering: .relaxed).newValue
  record.handled.store(0, ordering: .sequentiallyConsistent)
  record.state.withLock { $0.taken = [] }
  var context = idleContext(record, region: region)
  primer_pool_run_in_spans(
    pool, items, chunk, work, record.pointer, idle ? noteStep : nil, &context)
  for i in context.indices { context[i] = .max }
}

@Suite("Spans of the compute pool")
struct PoolSpanTests {
  @Test(
    "handle every item once, however uneven, with and without idle work",
    arguments: [1, 2, 3, 5, 8])
  func everyItem(threads: Int32) throws {
    let pool = try #require(primer_pool_create(threads))
    let record = SpanRecord(threads: threads)
    for round in 0..<201 {
      let items = Int64(round % 67)
      let chunk = Int64(round % 6)
      let work = round % 3 == 0 ? takeUnevenly : takeChunk
      runInSpans(pool, record, items: items, chunk: chunk, work, idle: round % 2 == 0)
      #expect(record.wronglyHandled(of: items) == 0, "\(items) items in chunks of \(chunk)")
      let taken = record.state.withLock(\.taken)
      #expect(taken.allSatisfy { (0..<threads).contains($0.worker) })
      #expect(taken.allSatisfy { $0.end - $0.begin <= max(chunk, 1) })
    }
    primer_pool_destroy(pool)
    #expect(record.problems == [])
  }

  @Test("without a pool do all items in order")
  func withoutPool() {
    let record = SpanRecord()
    runInSpans(nil, record, items: 7, chunk: 2, idle: true)
    #expect(record.state.withLock(\.taken).map(\.begin) == [0, 2, 4, 6])
    #expect(record.state.withLock(\.idled) == 0)
  }

  @Test("go by from the front in their own thread, and from the back in others")
  func order() throws {
    let threads = 3
    let pool = try #require(primer_pool_create(Int32(threads)))
    defer { primer_pool_destroy(pool) }
    for chunks in [3, 4, 17, 64] {
      let record = SpanRecord(threads: 3)
      runInSpans(pool, record, items: Int64(chunks), chunk: 1, takeUnevenly)
      for worker in 0..<threads {
        let own = chunks * worker / threads..<chunks * (worker + 1) / threads
        let taken = record.state.withLock(\.taken).filter { $0.worker == worker }
          .map { Int($0.begin) }
        let first = Array(taken.prefix { own.contains($0) })
        #expect(first == Array(own.prefix(first.count)), "worker \(worker) took \(taken)")
        let rest = taken.dropFirst(first.count)
        #expect(!rest.contains { own.contains($0) }, "worker \(worker) took \(taken)")
        for victim in 1..<threads {
          let other = (worker + victim) % threads
          let span = chunks * other / threads..<chunks * (other + 1) / threads
          let stolen = rest.filter { span.contains($0) }
          #expect(stolen == stolen.sorted(by: >), "worker \(worker) took \(taken)")
        }
      }
    }
  }

  @Test("are emptied by others while their own thread is held up")
  func stealing() throws {
    let pool = try #require(primer_pool_create(2))
    defer { primer_pool_destroy(pool) }
    for _ in 0..<20 {
      let record = SpanRecord(threads: 2)
      runInSpans(pool, record, items: 64, chunk: 1, waitInFirst)
      #expect(record.wronglyHandled(of: 64) == 0)
      #expect(record.problems == [])
      #expect(record.state.withLock(\.taken).last?.begin == 0)
    }
  }

  @Test("leave each worker steps from 0 on, with a copy of the context, until the next region")
  func idle() throws {
    for threads in [2, 3, 5] as [Int32] {
      for limit in [1, 5, .max] as [Int64] {
        let pool = try #require(primer_pool_create(threads))
        let record = SpanRecord(threads: threads, stepLimit: limit)
        for round in 0..<18 {
          // Every thread takes part, and has its own item.
          let items = Int64(threads)
          runInSpans(pool, record, items: items, chunk: 1, meetOthers, idle: round % 3 != 2)
          let taken = record.state.withLock(\.taken)
          #expect(taken.allSatisfy { $0.begin == Int64($0.worker) })
          #expect(record.wronglyHandled(of: Int64(threads)) == 0)
        }
        // The first step of the last region that has any comes before its workers end.
        runInSpans(pool, record, items: Int64(threads), chunk: 1, meetOthers, idle: true)
        primer_pool_destroy(pool)
        #expect(record.problems == [])
        #expect(record.state.withLock(\.idled) >= 13 * (Int(threads) - 1))
        if limit < .max {
          #expect(record.state.withLock { $0.steps.values.allSatisfy { $0 <= limit } })
        }
      }
    }
  }

  @Test("see each worker once, also one that was late for the region before", arguments: [2, 3])
  func once(threads: Int32) throws {
    let pool = try #require(primer_pool_create(threads))
    let record = SpanRecord(threads: threads)
    for round in 0..<20_000 {
      let items = Int64(round % 8 + 1)
      runInSpans(pool, record, items: items, chunk: 1, takeUnevenly, idle: round % 2 == 0)
    }
    primer_pool_destroy(pool)
    // A second time would begin with step 0 again.
    #expect(record.problems == [])
  }

  @Test("of callers on several threads do not disturb each other")
  func concurrentCallers() throws {
    let pool = try #require(primer_pool_create(3))
    // Safe because the pool serves any thread.
    nonisolated(unsafe) let shared = pool
    let wrong = Atomic(0)
    let records = (0..<4).map { _ in SpanRecord(threads: 3) }
    DispatchQueue.concurrentPerform(iterations: 4) { caller in
      for round in 0..<200 {
        let items = Int64(round % 23 + 1)
        runInSpans(shared, records[caller], items: items, chunk: 1)
        if records[caller].wronglyHandled(of: items) != 0 { wrong.add(1, ordering: .relaxed) }
        let plain = SpanRecord()
        primer_pool_run(shared, items, 2, takeChunk, plain.pointer)
        if plain.wronglyHandled(of: items) != 0 { wrong.add(1, ordering: .relaxed) }
      }
    }
    primer_pool_destroy(pool)
    #expect(wrong.load(ordering: .relaxed) == 0)
  }
}
