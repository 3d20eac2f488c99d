internal import PrimerLayers
internal import PrimerModels
internal import PrimerTensors
internal import PrimerTokenizers

// What happens in a pass, all on the engine's thread.
extension GenerationEngine {
  /// One pass over what is running; false where there is nothing to do.
  func step() -> Bool {
    dropCancelled()
    takeUp()
    guard !running.isEmpty else {
      desk.count(usedPages: usedPages)
      return false
    }
    let parts = chooseParts()
    let begun = ContinuousClock.now
    let written = pass(parts)
    desk.measure(
      rows: parts.reduce(0) { $0 + ($1.isWriting ? 0 : $1.count) },
      texts: parts.count { $0.isWriting }, written: written,
      seconds: (ContinuousClock.now - begun) / .seconds(1))
    desk.count(usedPages: usedPages)
    return true
  }

  private var usedPages: Int { cache.pageCount - cache.freePages - prefixes.pageCount }

  private func dropCancelled() {
    let cancelled = desk.takeCancelled()
    guard !cancelled.isEmpty else { return }
    for task in running + preempted where cancelled.contains(task.id) {
      task.sequence = nil
      desk.finish(task)
    }
    running.removeAll { cancelled.contains($0.id) }
    preempted.removeAll { cancelled.contains($0.id) }
  }

  /// Begins what waits, as long as there is room.
  private func takeUp() {
    while running.count < configuration.mostRunning {
      // Pages for all of its prompt, or it would only drive others out.
      if let task = preempted.first {
        guard running.isEmpty || hasRoom(task) else { return }
        preempted.removeFirst()
        begin(task)
      } else if running.isEmpty || running.allSatisfy({ $0.sequence != nil }),
        let task = desk.next()
      {
        guard running.isEmpty || hasRoom(task) else {
          preempted.append(task)
          return
        }
        begin(task)
      } else {
        return
      }
    }
  }

  private func hasRoom(_ task: EngineTask) -> Bool {
    let pages = (task.tokens.count + CachePages.tokens) / CachePages.tokens
    if cache.freePages < pages { prefixes.free(pages) }
    return cache.freePages >= pages
  }

  private func begin(_ task: EngineTask) {
    if configuration.sharesPrefixes && task.takesPrefix {
      // The last token is read in any case, for what follows it.
      task.sequence = prefixes.sequence(beginningOf: task.tokens.dropLast())
      if !task.wasAdmitted {
        task.cachedTokens = task.sequence!.length
        desk.countCached(task.cachedTokens)
      }
    } else {
      task.sequence = CachedSequence(cache)
    }
    task.wasAdmitted = true
    running.append(task)
    if case .text(let writer, _) = task.goal, writer.isDone { finishEmpty(task) }
  }

  /// A text of no tokens.
  private func finishEmpty(_ task: EngineTask) {
    guard case .text(var writer, let events) = task.goal else { return }
    task.begin()
    events.yield(.finished(writer.finish { _ in true }))
    events.finish()
    remove(task)
  }

  /// Tokens of a task that go into a pass.
  struct Part {
    let task: EngineTask
    let count: Int
    let isWriting: Bool
  }

  /// All that write, a token each, and as much of prompts as a pass may read; each with room in the
  /// cache.
  private func chooseParts() -> [Part] {
    var parts: [Part] = []
    for task in running where task.isWriting && task.sequence != nil {
      if reserve(1, for: task) { parts.append(Part(task: task, count: 1, isWriting: true)) }
    }
    // Who wrote may have lost his pages to an older one since.
    parts.removeAll { $0.task.sequence == nil }
    let room = parts.isEmpty ? configuration.prefillChunk : configuration.sharedChunk
    let reading = running.filter { $0.sequence != nil && !$0.isWriting }
    let counts = fairShares(
      of: room, among: reading.map { ($0.user, $0.unread.count) })
    for (task, count) in zip(reading, counts) where count > 0 {
      // It may have lost its pages to an older one since.
      guard task.sequence != nil, reserve(count, for: task) else { continue }
      parts.append(Part(task: task, count: count, isWriting: false))
    }
    parts.removeAll { $0.task.sequence == nil }
    return parts
  }

  /// Room for `count` tokens of a task, if need be by putting back who came last; false where the task
  /// itself was put back.
  private func reserve(_ count: Int, for task: EngineTask) -> Bool {
    while !task.sequence!.reserve(count) {
      let needed = task.sequence!.pagesNeeded(for: count)
      prefixes.free(needed)
      if cache.freePages >= needed { continue }
      let last = running.last!
      precondition(running.count > 1, "a context does not fit into the cache")
      putBack(last)
      if last === task { return false }
    }
    return true
  }

  /// A task gives its pages up; what it wrote stays, and is read again later.
  private func putBack(_ task: EngineTask) {
    task.sequence = nil
    running.removeAll { $0 === task }
    preempted.insert(task, at: 0)
    desk.countPreemption()
  }

  /// Reads the parts, and writes a token for each that is read to its end; tokens written.
  private func pass(_ parts: [Part]) -> Int {
    guard !parts.isEmpty else { return 0 }
    let model = generator.model
    let tokens = parts.flatMap { $0.task.unread.prefix($0.count) }
    let firsts = parts.map { $0.task.sequence!.length }
    let (wanted, ranges) = wantedRows(parts)
    let states = model.cachedStates(tokens, parts.map { ($0.task.sequence!, $0.count) })
    let scores = wanted.isEmpty ? [] : scores(rows(wanted, of: states, tokens.count), parts, ranges)
    var (row, written) = (0, 0)
    for (index, part) in parts.enumerated() {
      let range = row..<row + part.count
      row += part.count
      let task = part.task
      if case .meanState = task.goal { task.addStates(states.sliced(axis: 0, range)) }
      let own = scores[ranges[index]]
      if case .choices = task.goal { task.addChoices(own, first: firsts[index]) }
      if task.unread.isEmpty { written += complete(task, own.last) }
    }
    return written
  }

  /// Rows of a pass whose logits are needed, and where each part's are among them.
  private func wantedRows(_ parts: [Part]) -> (rows: [Int32], ranges: [Range<Int>]) {
    var (row, rows, ranges) = (0, [Int32](), [Range<Int>]())
    for part in parts {
      let wanted = part.task.wantedRows(part.count)
      ranges.append(rows.count..<rows.count + wanted.count)
      rows += wanted.map { Int32(row + $0) }
      row += part.count
    }
    return (rows, ranges)
  }

  private func rows(_ wanted: [Int32], of states: Tensor, _ count: Int) -> Tensor {
    wanted.count == count ? states : embedding(states, Tensor(wanted, shape: [wanted.count]))
  }

  /// What comes of the wanted rows of `states`, where each part's are in `ranges`.
  private func scores(
    _ states: Tensor, _ parts: [Part], _ ranges: [Range<Int>]
  ) -> [NextScores] {
    let writers = zip(parts, ranges).flatMap { part, range -> [TextWriter?] in
      guard case .text(let writer, _) = part.task.goal else {
        return [TextWriter?](repeating: nil, count: range.count)
      }
      return [TextWriter?](repeating: writer, count: range.count)
    }
    return generator.nextScores(states) { writers[$0] }
  }

  /// All of a task is read: writes its next token by `scores`, or ends it; tokens written.
  private func complete(_ task: EngineTask, _ scores: NextScores?) -> Int {
    guard case .text = task.goal, let scores else {
      task.finishReading()
      remove(task)
      return 0
    }
    if task.tokens.count == task.promptCount { share(task) }
    task.begin()
    do {
      if try task.write(scores, context: generator.model.context) {
        share(task)
        remove(task)
      }
      return 1
    } catch {
      task.fail(error)
      remove(task)
      return 0
    }
  }

  private func share(_ task: EngineTask) {
    guard configuration.sharesPrefixes, let sequence = task.sequence else { return }
    prefixes.insert(task.tokens, sequence)
  }

  private func remove(_ task: EngineTask) {
    task.sequence = nil
    running.removeAll { $0 === task }
    guard case .text(let writer, _) = task.goal else { return desk.finish(task) }
    desk.finish(task, written: writer.result.tokens.count)
  }
}
