internal import PrimerLayers
internal import Synchronization

/// Where requests meet the engine: the queue, who gave up, and what is known of the engine's work. Every
/// call is short, so that nobody waits for a pass of the model.
final class EngineDesk: Sendable {
  private struct State: ~Copyable {
    var queue = FairQueue<EngineTask>()
    /// Ids that wait, and those that are running.
    var waiting: Set<Int> = []
    var running: Set<Int> = []
    /// How many texts of each user are running.
    var texts: [String: Int] = [:]
    var cancelled: Set<Int> = []
    var prediction: WaitPrediction
    var promises = RetryPromises()
    var status = EngineStatus()
    var nextID = 0
    var isWorking = false
    var isDraining = false
    /// What those that are running have asked for.
    var runningWork = RequestedWork()

    init(_ prediction: WaitPrediction) { self.prediction = prediction }
  }

  private let state: Mutex<State>
  private let configuration: EngineConfiguration

  init(_ configuration: EngineConfiguration, pages: Int) {
    self.configuration = configuration
    var state = State(WaitPrediction(together: configuration.mostRunning))
    state.status.pages = pages
    self.state = Mutex(state)
  }

  /// Queues a task, made where it is accepted; its id.
  func accept(
    _ prompt: [Int32], most: Int, user: String, at now: ContinuousClock.Instant = .now,
    _ goal: () -> EngineTask.Goal
  ) throws -> Int {
    try state.withLock { state in
      if state.isDraining { throw EngineRefusal.draining }
      let work = RequestedWork(prompt: prompt.count, most: most)
      try admit(user, work, at: now, &state)
      state.nextID += 1
      let task = EngineTask(
        id: state.nextID, user: user, prompt: prompt, work: work, goal())
      state.queue.append(task, cost: Double(prompt.count + most), user: user)
      state.waiting.insert(task.id)
      state.prediction.wait(user, work)
      return task.id
    }
  }

  /// Lets in who was told to come now, and who would not wait too long behind those who wait and those
  /// who were told to come back; the others are told when to.
  private func admit(
    _ user: String, _ own: RequestedWork, at now: ContinuousClock.Instant, _ state: inout State
  ) throws {
    state.promises.forget(at: now)
    if state.waiting.count < 2 * configuration.mostWaiting,
      state.promises.redeem(user, at: now)
    {
      return
    }
    let longest = configuration.longestWait
    let wait = Self.wait(&state, user, own, configuration)
    let promised = state.promises.backlogs
    let whole =
      wait + state.prediction.wait(user, own: own, behind: promised)
      - state.prediction.wait(user, own: own)
    // Promises that nobody comes back for should not keep the queue empty.
    let hasRoom = wait <= longest / 2 || whole <= longest
    if hasRoom && state.waiting.count < configuration.mostWaiting { return }
    let told = state.promises.make(user, own, after: max(1, whole - longest), at: now)
    throw EngineRefusal.crowded(retryAfter: told)
  }

  /// Nobody waits while there is room among the running.
  private static func wait(
    _ state: inout State, _ user: String, _ own: RequestedWork,
    _ configuration: EngineConfiguration
  ) -> Double {
    let kept = state.texts[user] == nil ? 0 : configuration.placesForOthers
    let room = configuration.mostRunning - kept - state.running.count - state.waiting.count
    guard room <= 0 else { return 0 }
    let turns = state.prediction.wait(user, own: own)
    // Those that are running are, on average, half done, and the first place becomes free.
    let running = state.prediction.seconds(state.runningWork)
    let places = state.running.isEmpty ? 0 : running / Double(2 * state.running.count)
    return turns + places
  }

  func predictedWait(user: String, prompt: Int, most: Int) -> Double {
    state.withLock { state in
      Self.wait(&state, user, RequestedWork(prompt: prompt, most: most), configuration)
    }
  }

  /// True if the task is not done yet, so that the engine must see to it.
  func cancel(_ id: Int) -> Bool {
    state.withLock { state in
      guard state.waiting.contains(id) || state.running.contains(id) else { return false }
      state.cancelled.insert(id)
      return true
    }
  }

  /// True where the caller is to set the engine working.
  func claimWork() -> Bool {
    state.withLock { state in
      defer { state.isWorking = true }
      return !state.isWorking
    }
  }

  /// The engine found nothing to do; false where something came in between.
  func rest() -> Bool {
    state.withLock { state in
      guard state.waiting.isEmpty, state.running.isEmpty, state.cancelled.isEmpty else {
        return false
      }
      state.isWorking = false
      return true
    }
  }

  func drain() { state.withLock { $0.isDraining = true } }
  var isIdle: Bool { state.withLock { !$0.isWorking } }

  var status: EngineStatus {
    state.withLock { state in
      var status = state.status
      status.running = state.running.count
      status.waiting = state.waiting.count
      status.waitingTokens = state.prediction.waitingTokens
      status.prefillTokensPerSecond = state.prediction.prefillSpeed
      status.decodeTokensPerSecond = state.prediction.measuredDecodeSpeed(configuration.mostRunning)
      status.predictedWait = Self.wait(&state, "", RequestedWork(), configuration)
      return status
    }
  }
}

// What the engine's thread says and asks.
extension EngineDesk {
  /// Who gave up since the last time; those that waited are gone from the queue.
  func takeCancelled() -> Set<Int> {
    state.withLock { state in
      guard !state.cancelled.isEmpty else { return [] }
      defer { state.cancelled = [] }
      let ids = state.cancelled
      for task in state.queue.remove(where: { ids.contains($0.id) }) {
        state.waiting.remove(task.id)
        state.prediction.leave(task.user, task.work)
      }
      return ids
    }
  }

  /// The next in turn; the last places are for users who have none.
  func next() -> EngineTask? {
    state.withLock { state in
      let hasPlaces =
        state.running.count < configuration.mostRunning - configuration.placesForOthers
      let texts = state.texts
      guard let task = state.queue.popFirst(where: { hasPlaces || texts[$0] == nil }) else {
        return nil
      }
      state.texts[task.user, default: 0] += 1
      state.waiting.remove(task.id)
      state.running.insert(task.id)
      state.runningWork += task.work
      state.prediction.leave(task.user, task.work)
      state.status.promptTokens += task.promptCount
      return task
    }
  }

  func countCached(_ tokens: Int) { state.withLock { $0.status.cachedTokens += tokens } }
  func countPreemption() { state.withLock { $0.status.preemptions += 1 } }

  /// - Parameter written: tokens; nil where the text was given up, or none was wanted.
  func finish(_ task: EngineTask, written: Int? = nil) {
    let (id, user, work) = (task.id, task.user, task.work)
    state.withLock { state in
      guard state.running.remove(id) != nil else { return }
      let texts = state.texts[user, default: 1] - 1
      state.texts[user] = texts > 0 ? texts : nil
      state.runningWork -= work
      if let written { state.prediction.measureLength(written, of: work.most) }
    }
  }

  /// A pass is over.
  func measure(rows: Int, texts: Int, written: Int, seconds: Double) {
    state.withLock { state in
      state.prediction.measure(rows: rows, texts: texts, seconds: seconds)
      state.status.passes += 1
      state.status.generatedTokens += written
    }
  }

  func count(usedPages: Int) { state.withLock { $0.status.usedPages = usedPages } }
}
