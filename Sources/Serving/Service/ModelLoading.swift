import Dispatch
import Foundation
import Logging
import PrimerGeneration
import PrimerModels
import PrimerTensors
import Synchronization

// How models come and go.
extension ModelShelf {
  /// Starts to load what no one loads yet.
  func beginLoading(_ index: Int, _ state: inout State) -> Occurrence {
    let loading = Occurrence()
    state.slots[index].loading = loading
    state.slots[index].failure = nil
    Task { await self.load(index, loading) }
    return loading
  }

  private func load(_ index: Int, _ loading: Occurrence) async {
    let (offer, kept) = state.withLock { ($0.slots[index].offer, $0.slots[index].kept) }
    let begun = ContinuousClock.now
    do {
      let model = if let kept { kept } else { try await Self.read(offer) }
      let weights = kept == nil ? model.generator.weightByteCount : 0
      let cache = engines.cacheBytes(model.generator)
      try await makeRoom(for: weights + cache, index, offer.name)
      let served = ServedModel(
        name: offer.name, generator: model.generator, assistant: model.assistant,
        engine: engines.make(model.generator),
        version: model.version, constraints: ConstraintShelf(model.generator.tokenizer))
      state.withLock { state in
        state.slots[index].served = served
        state.slots[index].card = ModelCard(offer.name, model)
        state.slots[index].lastUse = .now
        state.slots[index].loading = nil
      }
      logger.info(
        "loaded",
        metadata: [
          "model": "\(LogText.escaped(offer.name))", "bytes": "\(weights + cache)",
          "seconds": "\((ContinuousClock.now - begun) / .seconds(1))",
        ])
    } catch {
      state.withLock { state in
        state.slots[index].failure = (error, .now + limits.rest)
        state.slots[index].servedBytes = 0
        state.slots[index].loading = nil
      }
      logger.error(
        "not loaded",
        metadata: [
          "model": "\(LogText.escaped(offer.name))",
          "error": "\(LogText.escaped(String(describing: error)))",
        ])
    }
    loading.happen()
  }

  /// On a thread of its own: reading a large model takes a while, and the threads that answer are few.
  private static func read(_ offer: ModelOffer) async throws -> LoadedModel {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(with: Result { try offer.load() }) }
    }
  }

  private enum Room {
    case enough
    /// This one was unloaded; released behind the lock, since nobody else may hold it.
    case more(ServedModel)
    /// What is loaded is answering.
    case later
  }

  /// Unloads what was not used for longest until `bytes` fit, waiting for what answers, and counts them
  /// as taken.
  private func makeRoom(for bytes: Int, _ index: Int, _ name: String) async throws {
    let end = ContinuousClock.now + limits.wait
    while true {
      switch try state.withLock({ try room(for: bytes, index, name, &$0) }) {
      case .enough: return
      case .more(let gone):
        logger.info("unloaded", metadata: ["model": "\(LogText.escaped(gone.name))"])
        extendLifetime(consume gone)
        StorageCache.shared.trim()
      case .later:
        guard .now < end else { throw ServingError.noRoom(name: name) }
        try await Task.sleep(for: .milliseconds(10))
      }
    }
  }

  private func room(
    for bytes: Int, _ index: Int, _ name: String, _ state: inout State
  ) throws -> Room {
    let kept = state.slots.reduce(0) { $0 + $1.keptBytes }
    guard bytes <= limits.memory - kept else {
      throw ServingError.modelTooLarge(name: name, bytes: bytes, allowed: limits.memory - kept)
    }
    let used = state.slots.reduce(0) { $0 + $1.bytes }
    if bytes <= limits.memory - used {
      state.slots[index].servedBytes = bytes
      return .enough
    }
    let idle = state.slots.indices.filter { state.slots[$0].isIdle }
    guard let oldest = idle.min(by: { state.slots[$0].lastUse < state.slots[$1].lastUse }) else {
      return .later
    }
    defer {
      state.slots[oldest].served = nil
      state.slots[oldest].servedBytes = 0
    }
    return .more(state.slots[oldest].served!)
  }
}

// What others want to know of models.
extension ModelShelf {
  /// The model at `source`, if the service serves it, to be used beside its engine: its weights stay from
  /// now on.
  func shared(at source: String) async throws -> TextGenerator? {
    guard let index = state.withLock({ $0.slots.firstIndex { $0.offer.source == source } }),
      !source.isEmpty
    else { return nil }
    let offer = state.withLock { $0.slots[index].offer }
    let read = state.withLock { state in state.slots[index].loadedModel }
    let model = if let read { read } else { try await Self.read(offer) }
    state.withLock { state in
      guard state.slots[index].kept == nil else { return }
      let weights = model.generator.weightByteCount
      state.slots[index].kept = model
      state.slots[index].keptBytes = weights
      if state.slots[index].served != nil { state.slots[index].servedBytes -= weights }
    }
    return model.generator
  }

  /// What every model is, in the order of their offers; those not loaded yet are looked at once.
  func cards() async -> [ModelCard] {
    let unknown = state.withLock { state in
      state.slots.indices.filter { state.slots[$0].card == nil }
    }
    if !unknown.isEmpty { await look(at: unknown) }
    return state.withLock { $0.slots.map { $0.card ?? ModelCard(name: $0.offer.name) } }
  }

  /// The card of the model of that name. Throws `APIError` 404 where there is none.
  func card(_ name: String) async throws -> ModelCard { try await cards()[index(of: name)] }

  /// One after another, whoever asks.
  private func look(at unknown: [Int]) async {
    await state.withLock { state in
      let before = state.looking
      let task = Task {
        await before?.value
        for index in unknown { await self.look(at: index) }
      }
      state.looking = task
      return task
    }.value
  }

  private func look(at index: Int) async {
    let (offer, known) = state.withLock { ($0.slots[index].offer, $0.slots[index].card) }
    guard known == nil else { return }
    let model = try? await Self.read(offer)
    let card = model.map { ModelCard(offer.name, $0) } ?? ModelCard(name: offer.name)
    state.withLock { $0.slots[index].card = card }
  }

  /// What each model's engine is doing; nothing where it is not loaded.
  var loads: [(name: String, load: EngineLoad)] {
    state.withLock { $0.slots.map { ($0.offer.name, $0.served?.engine.load ?? EngineLoad()) } }
  }

  var states: [ModelState] {
    state.withLock { state in
      state.slots.map { slot in
        let load = slot.served?.engine.load ?? EngineLoad()
        let isFailed = slot.served == nil && slot.loading == nil && slot.failure != nil
        return ModelState(
          name: slot.offer.name,
          state: slot.served != nil
            ? .loaded : slot.loading != nil ? .loading : isFailed ? .failed : .unloaded,
          bytes: slot.bytes, running: load.running, waiting: load.waiting,
          problem: isFailed ? slot.failure.map { "\($0.error)" } : nil)
      }
    }
  }
}

extension ModelShelf.Slot {
  /// What was read of it and is still here.
  fileprivate var loadedModel: LoadedModel? {
    kept ?? served.map { LoadedModel($0.generator, assistant: $0.assistant, version: $0.version) }
  }
}

extension ModelCard {
  fileprivate init(_ name: String, _ model: LoadedModel) {
    self.init(
      name: name, context: model.generator.model.context, isAssistant: model.assistant != nil,
      version: model.version)
  }
}
