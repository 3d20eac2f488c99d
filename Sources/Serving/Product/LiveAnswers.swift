/// The answers that are being written. Writing goes on when the reader leaves: whoever comes back
/// reads on from where they were.
package actor LiveAnswers {
  /// What there is to read from some place on.
  struct Slice: Sendable, Codable {
    var text: String
    /// UTF-16 units of the whole text so far, as a page counts: the place to read on from.
    var end: Int
    var state: StoredMessage.State
    var promptTokens: Int
    var tokens: Int
    var seconds: Double
    /// Those of `seconds` before the first text.
    var wait: Double
    /// What moderation found in the answer; told at its end.
    var flag: StoredFlag?
  }

  private struct Live {
    let user: User.ID
    let store: OwnedStore
    let began = ContinuousClock.now
    var units: [UInt16] = []
    var text = ""
    var state = StoredMessage.State.writing
    var promptTokens = 0
    var tokens = 0
    var seconds = 0.0
    var wait = 0.0
    /// How it ended, before that is kept and told.
    var ending: StoredMessage.State?
    var writer: Task<Void, Never>?
    var readers: [Int: AsyncStream<Void>.Continuation] = [:]
  }

  private var answers: [String: Live] = [:]
  private var nextReader = 0
  private let saveEvery: Duration
  private let keepAfter: Duration

  /// Saves what is written every second, so that a crash loses no more than that of an answer.
  package init(saveEvery: Duration = .seconds(1), keepAfter: Duration = .seconds(30)) {
    self.saveEvery = saveEvery
    self.keepAfter = keepAfter
  }

  /// Reads `events` to their end on behalf of `user`, into the message `id`.
  func write(
    _ id: String, for user: User.ID, in store: OwnedStore,
    _ events: AsyncThrowingStream<AnswerEvent, any Error>
  ) {
    var live = Live(user: user, store: store)
    live.writer = Task { await self.follow(id, events) }
    answers[id] = live
  }

  private func follow(_ id: String, _ events: AsyncThrowingStream<AnswerEvent, any Error>) async {
    var saved = ContinuousClock.now
    do {
      for try await event in events {
        take(event, of: id)
        if ContinuousClock.now - saved > saveEvery {
          saved = ContinuousClock.now
          try await save(id)
        }
      }
      finish(id, failed: false)
    } catch is CancellationError {
      finish(id, failed: false)
    } catch {
      finish(id, failed: true)
    }
    await conclude(id)
  }

  private func take(_ event: AnswerEvent, of id: String) {
    guard var live = answers[id] else { return }
    answers[id] = nil  // Not copied while it grows.
    switch event {
    case .read(let promptTokens): live.promptTokens = promptTokens
    case .text(let text, let tokens):
      live.seconds = seconds(since: live.began)
      if live.text.isEmpty { live.wait = live.seconds }
      live.text += text
      live.units += Array(text.utf16)
      live.tokens = tokens
    case .finished(let state, let promptTokens, let tokens):
      live.ending = state
      live.promptTokens = promptTokens
      live.tokens = tokens
      live.seconds = seconds(since: live.began)
    case .refused:
      live.ending = .refused
      live.seconds = seconds(since: live.began)
    }
    answers[id] = live
    tick(id)
  }

  private func finish(_ id: String, failed: Bool) {
    guard let live = answers[id] else { return }
    answers[id]!.ending = failed ? .failed : live.ending ?? .stopped
  }

  /// The last save comes before anybody hears that the answer is done.
  private func conclude(_ id: String) async {
    guard var ending = answers[id]?.ending else { return }
    var isKept = await keeps(id)
    if !isKept {
      // What the store did not take, as with a full disk, is not done; it waits here until there is room.
      ending = .failed
      answers[id]?.ending = ending
    }
    answers[id]?.state = ending
    tick(id)
    for reader in answers[id]?.readers.values ?? [:].values { reader.finish() }
    while !isKept {
      await Task { try? await Task.sleep(for: self.saveEvery) }.value
      isKept = await keeps(id)
    }
    try? await Task.sleep(for: keepAfter)
    answers[id] = nil
  }

  /// Saves an answer that has ended; false where the store might take it later. In a task of its own: the
  /// answer's may have been cancelled, and the store heeds that.
  private func keeps(_ id: String) async -> Bool {
    await Task {
      do { try await self.save(id) } catch StoreError.notFound {
        // Deleted meanwhile: there is nothing to wait for.
      } catch { return false }
      return true
    }.value
  }

  private func save(_ id: String) async throws {
    guard let live = answers[id] else { return }
    try await live.store.saveAnswer(
      id, content: live.text, state: live.ending ?? .writing, promptTokens: live.promptTokens,
      tokens: live.tokens, seconds: live.seconds, wait: live.wait)
  }

  private func seconds(since start: ContinuousClock.Instant) -> Double {
    (ContinuousClock.now - start) / .seconds(1)
  }

  private func tick(_ id: String) {
    for reader in answers[id]?.readers.values ?? [:].values { reader.yield() }
  }

  // MARK: Reading and stopping

  /// Nil: not being written, or another user's.
  func slice(of id: String, for user: User.ID, from start: Int) -> Slice? {
    guard let live = answers[id], live.user == user else { return nil }
    let from = min(max(start, 0), live.units.count)
    return Slice(
      text: String(decoding: live.units[from...], as: UTF16.self), end: live.units.count,
      state: live.state, promptTokens: live.promptTokens, tokens: live.tokens,
      seconds: live.seconds, wait: live.wait)
  }

  /// Ticks when there is more to read; a slow reader gets one tick for many pieces.
  func ticks(of id: String, for user: User.ID) -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
    guard let live = answers[id], live.user == user, live.state == .writing else {
      continuation.finish()
      return stream
    }
    let reader = nextReader
    nextReader += 1
    answers[id]!.readers[reader] = continuation
    continuation.onTermination = { [weak self] _ in
      Task { await self?.forget(reader, of: id) }
    }
    return stream
  }

  private func forget(_ reader: Int, of id: String) { answers[id]?.readers[reader] = nil }

  /// Ends the writing; what was written stays. Returns once it is kept.
  func stop(_ id: String, for user: User.ID) async {
    guard let live = answers[id], live.user == user else { return }
    live.writer?.cancel()
    for await _ in ticks(of: id, for: user) where answers[id]?.state != .writing { break }
  }

  /// How many are being written, of one user or of all.
  func count(for user: User.ID? = nil) -> Int {
    answers.values.count { $0.state == .writing && (user == nil || $0.user == user) }
  }

  /// Before the service ends: every answer is stopped and kept.
  package func end() async {
    for (id, live) in answers where live.state == .writing { await stop(id, for: live.user) }
  }
}
