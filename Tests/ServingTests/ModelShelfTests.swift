import Dispatch
import Foundation
import HTTPTypes
import Logging
import PrimerGeneration
import PrimerModels
import PrimerTensors
import Synchronization
import TestSupport
import Testing

@testable import PrimerServing

extension ModelShelf {
  /// A shelf without models.
  static var empty: ModelShelf { shelf([]) }

  fileprivate static func shelf(_ offers: [ModelOffer], _ limits: Limits = Limits()) -> ModelShelf {
    ModelShelf(
      offers, limits, engines: .batching(EngineConfiguration(), pool: .current),
      logger: Logger(label: "test"))
  }
}

/// Offers of small models that count how often each is read, and hold the reading up when told to.
private final class Shop: Sendable {
  struct Broken: Error, CustomStringConvertible {
    var description: String { "/secret/place/b.gguf: the file ends in the middle" }
  }

  private let reads = Mutex<[String: Int]>([:])
  private let broken = Mutex<Set<String>>([])
  private let held = Mutex<[String: DispatchSemaphore]>([:])

  func note(_ name: String) { reads.withLock { $0[name, default: 0] += 1 } }
  func read(_ name: String) -> Int { reads.withLock { $0[name] ?? 0 } }
  func breakModel(_ name: String) { broken.withLock { _ = $0.insert(name) } }
  func mend(_ name: String) { broken.withLock { _ = $0.remove(name) } }
  /// Whoever reads that model waits for a signal.
  func hold(_ name: String) -> DispatchSemaphore {
    let semaphore = DispatchSemaphore(value: 0)
    held.withLock { $0[name] = semaphore }
    return semaphore
  }

  func offers(_ names: String...) -> [ModelOffer] {
    names.map { name in
      ModelOffer(name: name, aliases: ["\(name).file"], source: "/secret/place/\(name).gguf") {
        self.note(name)
        self.held.withLock { $0[name] }?.wait()
        if self.broken.withLock({ $0.contains(name) }) { throw Broken() }
        return try ServiceHarness.letters()
      }
    }
  }

  /// What one of them takes with its cache.
  static let bytes: Int = {
    let generator = try! ServiceHarness.letters().generator
    return generator.model.parameterByteCount
      + GenerationEngine.cacheByteCount(for: generator, EngineConfiguration())
  }()

  static func memory(for count: Int) -> ModelShelf.Limits {
    ModelShelf.Limits(memory: count * bytes + bytes / 2)
  }
}

@Suite struct ModelShelfTests {
  private let shop = Shop()

  private func loaded(_ shelf: ModelShelf) -> [String] { shelf.loaded.map(\.name) }

  private static func order(_ tokens: Int = 300) -> TextOrder {
    TextOrder(
      prompt: [1, 2, 3], options: GenerationOptions(maxTokens: tokens), ignoresEnd: true, user: "u")
  }

  @Test("the first model is loaded at the start, the others when they are first asked for")
  func onDemand() async throws {
    let shelf = ModelShelf.shelf(shop.offers("a", "b"))
    #expect(loaded(shelf) == [] && !shelf.isReady)
    try await shelf.start()
    #expect(loaded(shelf) == ["a"])
    #expect(try await shelf.model("b").name == "b")
    #expect(loaded(shelf) == ["a", "b"])
    #expect(try await shelf.model("b.file").name == "b" && shop.read("b") == 1)
  }

  @Test("many requests for a model wait while it is read once")
  func together() async throws {
    let shelf = ModelShelf.shelf(shop.offers("a"))
    let gate = shop.hold("a")
    let requests = (0..<20).map { _ in Task { try await shelf.model("a").name } }
    while shelf.state.withLock({ $0.slots[0].waiting }) < 20 { await Task.yield() }
    #expect(shelf.states[0].state == .loading)
    gate.signal()
    for request in requests { #expect(try await request.value == "a") }
    #expect(shop.read("a") == 1 && shelf.states[0].state == .loaded)
  }

  @Test("no more than so many wait for a model, and a request that gives up is forgotten")
  func bounded() async throws {
    var limits = ModelShelf.Limits()
    limits.mostWaiting = 2
    let shelf = ModelShelf.shelf(shop.offers("a"), limits)
    let gate = shop.hold("a")
    let requests = (0..<2).map { _ in Task { try await shelf.model("a").name } }
    while shelf.state.withLock({ $0.slots[0].waiting }) < 2 { await Task.yield() }
    let refused = await #expect(throws: APIError.self) { try await shelf.model("a") }
    #expect(refused?.status == .tooManyRequests && refused?.retryAfter != nil)
    requests[0].cancel()
    await #expect(throws: CancellationError.self) { try await requests[0].value }
    #expect(shelf.state.withLock { $0.slots[0].waiting } == 1)
    gate.signal()
    #expect(try await requests[1].value == "a")
  }

  @Test("who waits longer than allowed gets 503 with Retry-After; the model comes all the same")
  func late() async throws {
    var limits = ModelShelf.Limits()
    limits.wait = .milliseconds(1)
    let shelf = ModelShelf.shelf(shop.offers("a"), limits)
    let gate = shop.hold("a")
    let late = await #expect(throws: APIError.self) { try await shelf.model("a") }
    #expect(late?.status == .serviceUnavailable && late?.retryAfter != nil)
    gate.signal()
    while loaded(shelf) != ["a"] { await Task.yield() }
    #expect(try await shelf.model("a").name == "a")
  }

  @Test("the model that was not used for longest makes room")
  func leastRecentlyUsed() async throws {
    let shelf = ModelShelf.shelf(shop.offers("a", "b", "c"), Shop.memory(for: 2))
    for name in ["a", "b", "a", "c"] { _ = try await shelf.model(name) }
    #expect(loaded(shelf) == ["a", "c"])
    _ = try await shelf.model("b")
    #expect(loaded(shelf) == ["b", "c"] && shop.read("b") == 2)
  }

  @Test("a model for which there is room does not wait behind one for which there is none")
  func overtaking() async throws {
    let large = ModelOffer(name: "large") {
      self.shop.note("large")
      return try ServiceHarness.letters(width: 128)
    }
    let shelf = ModelShelf.shelf(shop.offers("a", "b") + [large], Shop.memory(for: 2))
    let holder = try await shelf.model("a")
    let waiting = Task { try await shelf.model("large").name }
    while shop.read("large") == 0 { await Task.yield() }
    #expect(try await shelf.model("b").name == "b")
    #expect(shelf.states[2].state == .loading && holder.name == "a")
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
  }

  @Test("an unloaded model is gone from memory")
  func freed() async throws {
    let shelf = ModelShelf.shelf(shop.offers("a", "b"), Shop.memory(for: 1))
    weak let weight = try await shelf.model("a").generator.model.parameters[0]
    #expect(weight != nil)
    _ = try await shelf.model("b")
    #expect(weight == nil)
  }

  @Test("a model that is held or writing is never unloaded: the other waits until it is done")
  func busy() async throws {
    let shelf = ModelShelf.shelf(shop.offers("a", "b"), Shop.memory(for: 1))
    var holder: ServedModel? = try await shelf.model("a")
    let other = Task { try await shelf.model("b").name }
    while shelf.states[1].state != .loading || shop.read("b") == 0 { await Task.yield() }
    let events = try await holder!.engine.write(Self.order())
    holder = nil
    // The events alone keep it, as long as they come.
    var text = ""
    for try await event in events {
      if case .text(let more, _, _) = event { text += more }
      if case .finished(_, let usage) = event { #expect(usage.completion == 300) }
    }
    #expect(text.count == 300)
    #expect(try await other.value == "b")
    #expect(loaded(shelf) == ["b"])
  }

  @Test("where the others do not become idle in time, the request gets 503 with Retry-After")
  func noRoom() async throws {
    var limits = Shop.memory(for: 1)
    limits.wait = .milliseconds(50)
    let shelf = ModelShelf.shelf(shop.offers("a", "b"), limits)
    let holder = try await shelf.model("a")
    await #expect(throws: (any Error).self) { try await shelf.model("b") }
    while shelf.states[1].state != .failed { await Task.yield() }
    let error = await #expect(throws: ServingError.self) { try await shelf.model("b") }
    #expect(error == .noRoom(name: "b"))
    #expect(APIError(error!).retryAfter != nil)
    #expect(loaded(shelf) == ["a"] && holder.name == "a")
  }

  @Test("a model that takes more than is allowed says so, and unloads nobody")
  func tooLarge() async throws {
    let shelf = ModelShelf.shelf(shop.offers("a", "b"), Shop.memory(for: 0))
    let error = await #expect(throws: ServingError.self) { try await shelf.model("a") }
    #expect(error == .modelTooLarge(name: "a", bytes: Shop.bytes, allowed: Shop.bytes / 2))
    #expect(error!.description.contains("--memory") && APIError(error!).code == "model_unusable")
  }

  @Test(
    "a model that cannot be loaded fails its request alone, without its path, and is tried again")
  func broken() async throws {
    var limits = ModelShelf.Limits()
    limits.rest = .zero
    let shelf = ModelShelf.shelf(shop.offers("a", "b"), limits)
    try await shelf.start()
    shop.breakModel("b")
    let error = await #expect(throws: ServingError.self) { try await shelf.model("b") }
    #expect(error == .modelUnusable(name: "b", reason: "b: the file ends in the middle"))
    #expect(shelf.states[1].state == .failed && shelf.states[1].problem?.isEmpty == false)
    #expect(try await shelf.model("a").name == "a")
    shop.mend("b")
    #expect(try await shelf.model("b").name == "b")
  }

  @Test("a model that could not be loaded is not read again at once")
  func rest() async throws {
    var limits = ModelShelf.Limits()
    limits.rest = .seconds(3600)
    let shelf = ModelShelf.shelf(shop.offers("a"), limits)
    shop.breakModel("a")
    for _ in 0..<3 { await #expect(throws: ServingError.self) { try await shelf.model("a") } }
    #expect(shop.read("a") == 1)
  }

  @Test("a first model that cannot be loaded ends the start with its own error")
  func brokenStart() async throws {
    let shelf = ModelShelf.shelf(shop.offers("a"))
    shop.breakModel("a")
    await #expect(throws: Shop.Broken.self) { try await shelf.start() }
  }

  @Test("weights that something else uses are read once, and stay when the model is unloaded")
  func shared() async throws {
    let shelf = ModelShelf.shelf(shop.offers("a", "b"), Shop.memory(for: 2))
    try await shelf.start()
    let shared = try #require(try await shelf.shared(at: "/secret/place/a.gguf"))
    #expect(shop.read("a") == 1)
    let served = try await shelf.model("a").generator
    #expect(shared.model.parameters[0] === served.model.parameters[0])
    #expect(shelf.states[0].bytes == Shop.bytes)
    #expect(try await shelf.shared(at: "/secret/place/c.gguf") == nil)
  }

  @Test("cards tell of models that are not loaded, and load none")
  func cards() async throws {
    let shelf = ModelShelf.shelf(shop.offers("a", "b", "c"))
    try await shelf.start()
    shop.breakModel("c")
    let cards = await shelf.cards()
    #expect(cards.map(\.name) == ["a", "b", "c"] && cards.map(\.context) == [1200, 1200, nil])
    #expect(cards.map(\.isAssistant) == [true, true, false])
    #expect(loaded(shelf) == ["a"])
    _ = await shelf.cards()
    #expect(shop.read("b") == 1)
  }
}

@Suite struct ModelsOnDemandTests {
  private let shop = Shop()

  private func service(_ names: [ModelOffer]) async throws -> (
    parts: ServiceParts, send: @Sendable (String, String?) async throws -> RouterClient.Answer
  ) {
    let folder = try TemporaryFolder()
    let parts = ServiceParts(
      configuration: ServiceConfiguration(data: folder.url), models: .shelf(names),
      keys: try FileKeyStore(folder: folder.url),
      responses: try FileResponseStore(folder: folder.url), meters: ServiceMeters())
    let client = RouterClient(parts)
    let key = try await parts.keys.make(name: "t", user: "u", scopes: Set(Scope.allCases)).secret
    return (
      parts,
      { path, body in
        defer { withExtendedLifetime(folder) {} }
        return try await client.send(
          body == nil ? .get : .post, path, body, headers: [.authorization: "Bearer \(key)"])
      }
    )
  }

  private static func chat(_ model: String) -> String {
    #"{"model": "\#(model)", "messages": [{"role": "user", "content": "abc"}], "max_tokens": 4}"#
  }

  @Test("while the first model loads, /health says 503, and a request waits for its answer")
  func start() async throws {
    let (parts, send) = try await service(shop.offers("a"))
    let gate = shop.hold("a")
    let start = Task {
      try await parts.models.start()
      parts.models.finishLoading()
    }
    let early = Task { try await send("/v1/chat/completions", Self.chat("a")) }
    while parts.models.state.withLock({ $0.slots[0].waiting }) < 2 { await Task.yield() }
    #expect(try await send("/health", nil).status == 503)
    gate.signal()
    #expect(try await early.value.status == 200)
    try await start.value
    #expect(try await send("/health", nil).status == 200)
  }

  @Test("caches store what the service is told, in a sixth of its memory; int8 has more tokens")
  func caches() throws {
    let generator = try ServiceHarness.letters().generator
    var configuration = ServiceConfiguration(data: URL(filePath: "/nowhere"))
    func bytesPerToken() -> Int {
      var engines = configuration.engines(memory: 600)
      #expect(engines.cacheBytes == 100)
      engines.cacheTokens = 4096
      return GenerationEngine.cacheByteCount(for: generator, engines) / 4096
    }
    let usual = bytesPerToken()
    configuration.cacheElement = .int8
    #expect(bytesPerToken() < usual)
    configuration.cacheElement = .float32
    #expect(bytesPerToken() == 2 * usual)
  }

  @Test(
    "every model is listed, loaded or not, and answers when asked; /metrics tell which are loaded")
  func api() async throws {
    let (parts, send) = try await service(shop.offers("a", "b"))
    try await parts.models.start()
    parts.models.finishLoading()
    let list = try await send("/v1/models", nil)["data"] as? [[String: Any]]
    #expect(list?.map { $0["id"] as? String } == ["a", "b"])
    #expect(list?.map { $0["max_model_len"] as? Int } == [1200, 1200])
    #expect(try await send("/v1/models/b", nil)["id"] as? String == "b")
    #expect(
      try await send("/metrics", nil).text.contains("primer:model_loaded{model_name=\"b\"} 0"))
    #expect(try await send("/v1/chat/completions", Self.chat("b")).status == 200)
    #expect(
      try await send("/metrics", nil).text.contains("primer:model_loaded{model_name=\"b\"} 1"))
    #expect(try await send("/v1/chat/completions", Self.chat("c")).status == 404)
  }

  @Test("a model that cannot be loaded is a 503 that says why, and the service goes on")
  func broken() async throws {
    let (parts, send) = try await service(shop.offers("a", "b"))
    try await parts.models.start()
    parts.models.finishLoading()
    shop.breakModel("b")
    let answer = try await send("/v1/chat/completions", Self.chat("b"))
    #expect(answer.status == 503 && answer.problem.code == "model_unusable")
    #expect(answer.text.contains("the file ends in the middle") && !answer.text.contains("secret"))
    #expect(try await send("/health", nil).status == 200)
    #expect(try await send("/v1/chat/completions", Self.chat("a")).status == 200)
    let list = try await send("/v1/models", nil)["data"] as? [[String: Any]]
    #expect(list?.count == 2 && list?[1]["max_model_len"] == nil)
  }

  @Test(
    "the page gets the models' states, and a question to a model that cannot be loaded is told why")
  func page() async throws {
    let shelf = ModelShelf.shelf(shop.offers("a", "b"))
    try await shelf.start()
    let answers = ShelfAnswers(models: shelf)
    #expect(await answers.models().map(\.name) == ["a", "b"])
    #expect(await answers.load().models.map(\.state) == [.loaded, .unloaded])
    shop.breakModel("b")
    let request = AnswerRequest(
      user: "u", model: "b", messages: [ChatMessage(role: "user", content: "abc")],
      sampling: .init())
    let refusal = await #expect(throws: AnswerRefusal.self) { try await answers.answer(request) }
    guard case .noModel(let why) = refusal else { throw refusal! }
    #expect(why.contains("the file ends in the middle"))
  }
}
