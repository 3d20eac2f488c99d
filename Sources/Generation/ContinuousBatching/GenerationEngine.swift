internal import Dispatch
internal import PrimerFiles
internal import PrimerLayers
internal import PrimerModels
public import PrimerTensors
internal import PrimerTokenizers
internal import Synchronization

/// Writes many texts with one model at the same time: requests join and leave at every pass, prompts
/// are read in pieces beside the writing (Yu et al. 2022, Orca; Agrawal et al. 2023, arXiv 2308.16369),
/// and texts share the pages of a cache (Kwon et al. 2023, arXiv 2309.06180).
///
/// An engine has a thread of its own, which sleeps while there is nothing to do. The same request gives
/// the same bytes alone and among others, whatever the cache holds.
public actor GenerationEngine {
  public nonisolated let generator: TextGenerator
  public nonisolated let configuration: EngineConfiguration
  private nonisolated let thread: EngineThread
  nonisolated let desk: EngineDesk
  private let pool: ComputePool
  let cache: KeyValueCache
  var prefixes: PrefixCache
  /// In the order in which they were taken up.
  var running: [EngineTask] = []
  /// Taken up before and put back; they go on first.
  var preempted: [EngineTask] = []

  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    thread.asUnownedSerialExecutor()
  }

  public init(
    _ generator: TextGenerator, _ configuration: EngineConfiguration = EngineConfiguration(),
    pool: ComputePool = .current
  ) {
    self.generator = generator
    self.configuration = configuration
    self.pool = pool
    thread = EngineThread(name: "engine")
    let model = generator.model
    cache = Self.makeCache(model, configuration)
    prefixes = PrefixCache(cache)
    desk = EngineDesk(configuration, pages: cache.pageCount)
    let (layers, ready) = (
      cache.layers, configuration.readyBytes / Self.pageBytes(model, configuration)
    )
    DispatchQueue.global(qos: .utility).async {
      for layer in layers { layer.provide(ready) }
    }
  }

  private static func makeCache(
    _ model: any LanguageModel, _ configuration: EngineConfiguration
  ) -> KeyValueCache {
    let shape = model.shape
    return KeyValueCache(
      layers: shape.layers, pages: cachePages(model, configuration),
      keyValueHeads: shape.keyValueHeads,
      headWidth: shape.headWidth, element: configuration.cacheElement, longestText: model.context)
  }

  /// Bytes of the cache that an engine would have; but for the first of them, they are touched only as texts
  /// need them.
  public static func cacheByteCount(
    for generator: TextGenerator, _ configuration: EngineConfiguration
  ) -> Int {
    cachePages(generator.model, configuration) * pageBytes(generator.model, configuration)
  }

  private static func pageBytes(
    _ model: any LanguageModel, _ configuration: EngineConfiguration
  ) -> Int {
    2 * model.shape.layers
      * configuration.cacheElement.pageBytes(
        keyValueHeads: model.shape.keyValueHeads, headWidth: model.shape.headWidth)
  }

  private static func cachePages(
    _ model: any LanguageModel, _ configuration: EngineConfiguration
  ) -> Int {
    let contextPages = (model.context + CachePages.tokens - 1) / CachePages.tokens
    let bytes = configuration.cacheBytes ?? AvailableMemory.byteCount / 8
    let wanted =
      configuration.cacheTokens.map { ($0 + CachePages.tokens - 1) / CachePages.tokens }
      ?? min(bytes / pageBytes(model, configuration), configuration.mostRunning * contextPages)
    // One more: a text may share its last page while it makes it its own.
    return max(wanted, contextPages + 1)
  }

  /// Begins a text; dropping the events gives it up, and its pages are free within a pass.
  ///
  /// Never waits for the engine. Throws `EngineRefusal` where the queue is too long, and
  /// `GenerationError` where the request makes no sense.
  public nonisolated func submit(
    _ request: EngineRequest
  ) throws -> AsyncThrowingStream<EngineEvent, any Error> {
    try request.options.check(vocabulary: generator.tokenizer.vocabularySize)
    guard request.options.contextOverflow == .stop, request.options.speculation == nil else {
      throw GenerationError.badSetting(
        "texts that are written together neither forget their beginning nor are drafted")
    }
    let prompt = try generator.checked(request.prompt)
    // A text ends where the context is full, however much more was asked for.
    let most = min(request.options.maxTokens, generator.model.context - prompt.count)
    return try accept(prompt, most: most, user: request.user) { events in
      let writer = TextWriter(
        self.generator, prompt, request.options, request.constraint.map { $0() })
      return .text(writer, events)
    }
  }

  /// Mean of the last hidden states of `tokens` [width].
  public nonisolated func meanState(
    of tokens: [Int32], user: String = ""
  ) async throws -> [Float] {
    let answers = try accept(try generator.checked(tokens), most: 0, user: user) {
      .meanState([], $0)
    }
    return try await answers.first()
  }

  /// How likely each of `tokens` but the first is behind those before it, with the `alternatives`
  /// likeliest beside each.
  public nonisolated func choices(
    of tokens: [Int32], alternatives: Int, user: String = ""
  ) async throws -> [TokenChoice] {
    guard tokens.count > 1 else { return [] }
    let answers = try accept(try generator.checked(tokens), most: 0, user: user) {
      .choices([], alternatives: alternatives, $0)
    }
    return try await answers.first()
  }

  /// Puts a task in the queue and wakes the engine.
  private nonisolated func accept<Event: Sendable>(
    _ prompt: [Int32], most: Int, user: String,
    _ goal: @escaping (AsyncThrowingStream<Event, any Error>.Continuation) -> EngineTask.Goal
  ) throws -> AsyncThrowingStream<Event, any Error> {
    let (events, continuation) = AsyncThrowingStream<Event, any Error>.makeStream()
    let id = try desk.accept(prompt, most: most, user: user) { goal(continuation) }
    continuation.onTermination = { [weak self] reason in
      guard case .cancelled = reason, let self else { return }
      if desk.cancel(id) { wake() }
    }
    wake()
    return events
  }

  private nonisolated func wake() {
    if desk.claimWork() { Task { await self.work() } }
  }

  /// What the engine is doing; never waits for it.
  public nonisolated var status: EngineStatus { desk.status }

  /// Seconds that a request of `user` would wait before its prompt is read.
  public nonisolated func predictedWait(user: String, prompt: Int, maxTokens: Int) -> Double {
    desk.predictedWait(user: user, prompt: prompt, most: maxTokens)
  }

  /// Takes no more requests, and returns once those that it has are done.
  public nonisolated func drain() async {
    desk.drain()
    await finished()
  }

  private func finished() async {
    while !desk.isIdle { try? await Task.sleep(for: .milliseconds(20)) }
  }

  /// Passes of the model until there is nothing to do.
  private func work() async {
    repeat {
      while ComputePool.$current.withValue(pool, operation: { withoutGradients { step() } }) {
        await Task.yield()
      }
    } while !desk.rest()
  }
}

extension AsyncThrowingStream where Failure == any Error, Element: Sendable {
  /// The only element.
  fileprivate func first() async throws -> Element {
    for try await element in self { return element }
    throw CancellationError()
  }
}
