import Foundation
import Logging
import PrimerGeneration
import PrimerModels
import PrimerTensors
import Synchronization

/// The models of the service. Each is loaded when it is first asked for; where that needs memory, those
/// that were not used for longest are unloaded, and never one that is answering.
final class ModelShelf: Sendable {
  struct Limits: Sendable {
    /// Bytes that loaded models may take in all, weights and caches.
    var memory = Int.max
    /// How long a request waits for its model.
    var wait = Duration.seconds(60)
    /// Requests that may wait for one model.
    var mostWaiting = 256
    /// How long a model that could not be loaded is not tried again.
    var rest = Duration.seconds(5)
  }

  struct Slot: Sendable {
    let offer: ModelOffer
    var card: ModelCard?
    /// Somebody else uses its weights too: they stay when it is unloaded.
    var kept: LoadedModel?
    var keptBytes = 0
    var served: ServedModel?
    /// Bytes that unloading it would free.
    var servedBytes = 0
    var loading: Occurrence?
    /// Requests that wait for it, or were let go and are not back yet.
    var waiting = 0
    var failure: (error: any Error, end: ContinuousClock.Instant)?
    /// Requests that hold it.
    var leases = 0
    var lastUse = ContinuousClock.now

    var bytes: Int { keptBytes + servedBytes }
    var isIdle: Bool {
      guard let served, leases == 0, waiting == 0 else { return false }
      let load = served.engine.load
      return load.running == 0 && load.waiting == 0
    }
  }

  struct State: Sendable {
    var slots: [Slot]
    var isReady = false
    /// The last that looks at models which are not loaded.
    var looking: Task<Void, Never>?
  }

  let state: Mutex<State>
  let limits: Limits
  let engines: EngineMaker
  let logger: Logger
  /// Seconds since 1970 at which the models were offered.
  let created = Int(Date().timeIntervalSince1970)

  init(
    _ offers: [ModelOffer] = [], _ limits: Limits = Limits(), engines: EngineMaker,
    logger: Logger
  ) {
    state = Mutex(State(slots: offers.map { Slot(offer: $0) }))
    self.limits = limits
    self.engines = engines
    self.logger = logger
  }

  /// The models that are loaded.
  var loaded: [ServedModel] { state.withLock { $0.slots.compactMap(\.served) } }

  /// Loads the first model. Throws what went wrong as it was thrown.
  func start() async throws {
    guard state.withLock({ !$0.slots.isEmpty }) else { return }
    do {
      _ = try await model(at: 0)
    } catch {
      throw state.withLock { $0.slots[0].failure?.error } ?? error
    }
  }

  /// All that is loaded at the start is.
  func finishLoading() { state.withLock { $0.isReady = true } }
  var isReady: Bool { state.withLock { $0.isReady } }

  /// The model of that name, loaded if need be; as long as it is held, it stays loaded.
  /// - Throws: `APIError` 404 where there is none, 429 where too many wait for it, 503 where that takes
  ///   too long, `ServingError` where it cannot be loaded.
  func model(_ name: String) async throws -> ServedModel {
    try await model(at: index(of: name))
  }

  /// The model that is meant where none is named.
  func standard() async throws -> ServedModel {
    guard state.withLock({ !$0.slots.isEmpty }) else { return try await model("") }
    return try await model(at: 0)
  }

  func index(of name: String) throws -> Int {
    guard let index = state.withLock({ $0.slots.firstIndex { $0.offer.isCalled(name) } }) else {
      throw APIError.notFound(
        "There is no model '\(LogText.escaped(name))'; GET /v1/models lists those there are.",
        parameter: "model", code: "model_not_found")
    }
    return index
  }

  private enum Place {
    case model(ServedModel)
    case waiting(Occurrence)
  }

  private func model(at index: Int) async throws -> ServedModel {
    let place = try state.withLock { state -> Place in
      if let model = lease(index, &state) { return .model(model) }
      let slot = state.slots[index]
      if slot.loading == nil, let failure = slot.failure, failure.end > .now {
        throw described(failure.error, slot.offer)
      }
      guard slot.waiting < limits.mostWaiting else {
        throw APIError.tooMany(
          "Too many requests wait for this model to be loaded.", code: "queue_full",
          retryAfter: .seconds(5))
      }
      state.slots[index].waiting += 1
      return .waiting(slot.loading ?? beginLoading(index, &state))
    }
    switch place {
    case .model(let model): return model
    case .waiting(let loading):
      _ = await loading.happens(within: limits.wait)
      return try state.withLock { state in
        state.slots[index].waiting -= 1
        try Task.checkCancellation()
        if let model = lease(index, &state) { return model }
        if loading.hasHappened, let failure = state.slots[index].failure {
          throw described(failure.error, state.slots[index].offer)
        }
        throw APIError.unavailable(
          "The model is still being loaded; try again when Retry-After says.",
          retryAfter: .seconds(5))
      }
    }
  }

  /// What is in the slot, for a caller of its own; nil: nothing is.
  private func lease(_ index: Int, _ state: inout State) -> ServedModel? {
    guard let served = state.slots[index].served else { return nil }
    state.slots[index].leases += 1
    state.slots[index].lastUse = .now
    let lease = EngineLease(served.engine) { [weak self] in
      self?.state.withLock { state in
        state.slots[index].leases -= 1
        state.slots[index].lastUse = .now
      }
    }
    return ServedModel(
      name: served.name, generator: served.generator, assistant: served.assistant, engine: lease,
      version: served.version, constraints: served.constraints)
  }

  private func described(_ error: any Error, _ offer: ModelOffer) -> any Error {
    if error is ServingError { return error }
    // The path is the operator's affair; the log tells it.
    let reason = "\(error)"
    return ServingError.modelUnusable(
      name: offer.name,
      reason: offer.source.isEmpty ? reason : reason.replacing(offer.source, with: offer.name))
  }
}
