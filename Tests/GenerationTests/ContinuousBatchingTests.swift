import Foundation
import PrimerGeneration
import PrimerLayers
import PrimerModels
import PrimerTensors
import PrimerTokenizers
import TestSupport
import Testing

@Suite("Texts written together")
struct ContinuousBatchingTests {
  private static let context = 200

  private static func generator() throws -> TextGenerator {
    try TinyModels.generator(context: context, sharpness: 6)
  }

  /// What came of a request.
  struct Outcome: Equatable {
    var text = ""
    var tokens: [Int32] = []
    var reason: FinishReason?
    var choices: [TokenChoice] = []
    var cached = 0

    static func == (a: Outcome, b: Outcome) -> Bool {
      a.text == b.text && a.tokens == b.tokens && a.reason == b.reason && a.choices == b.choices
    }
  }

  private func outcome(
    _ events: AsyncThrowingStream<EngineEvent, any Error>
  ) async throws -> Outcome {
    var outcome = Outcome()
    for try await event in events {
      switch event {
      case .began(let cached): outcome.cached = cached
      case .text(let text, let choices, _):
        outcome.text += text
        outcome.choices += choices
      case .finished(let result):
        #expect(result.text == outcome.text)
        outcome.tokens = result.tokens
        outcome.reason = result.finishReason
      }
    }
    return outcome
  }

  private func alone(_ generator: TextGenerator, _ request: EngineRequest) throws -> Outcome {
    let result = try generator.generate(request.prompt, request.options)
    return Outcome(
      text: result.text, tokens: result.tokens, reason: result.finishReason,
      choices: result.choices)
  }

  /// Requests of which some begin alike.
  private func requests(_ count: Int, _ random: inout SplitMix) -> [EngineRequest] {
    let beginnings = (0..<3).map { _ in
      (0..<Int.random(in: 20...110, using: &random)).map { _ in
        Int32.random(in: 0..<17, using: &random)
      }
    }
    return (0..<count).map { index in
      var prompt = beginnings.randomElement(using: &random)!
      prompt += (0..<Int.random(in: 0...50, using: &random)).map { _ in
        Int32.random(in: 0..<17, using: &random)
      }
      var options = GenerationOptions(maxTokens: .random(in: 0...60, using: &random))
      options.sampling = Bool.random(using: &random) ? .greedy : SamplingSettings()
      options.sampling.seed = random.next()
      if index % 3 == 0 { options.stops = ["ab", "p"] }
      if index % 4 == 0 { options.topLogProbabilities = 2 }
      return EngineRequest(prompt: prompt, options: options, user: "user \(index % 3)")
    }
  }

  @Test(
    "have the bytes that each has alone, in any mixture, cache, chunks and threads",
    arguments: 0..<6)
  func mixtures(round: Int) async throws {
    let seed = FuzzTime.seed(UInt64(40 + round))
    var random = SplitMix(state: seed)
    let generator = try Self.generator()
    let element: CacheElement = round % 2 == 0 ? .float16 : .int8
    let requests = requests(24, &random).map { request in
      var request = request
      request.options.cacheElement = element
      return request
    }
    let expected = try requests.map { try alone(generator, $0) }
    for trial in 0..<4 {
      var configuration = EngineConfiguration()
      configuration.mostRunning = .random(in: 1...24, using: &random)
      configuration.prefillChunk = .random(in: 1...120, using: &random)
      configuration.sharedChunk = .random(in: 1...40, using: &random)
      configuration.cacheTokens = [nil, 0, 400, 900][trial]
      configuration.sharesPrefixes = trial != 2
      configuration.cacheElement = element
      let pool = ComputePool(threads: .random(in: 1...3, using: &random))
      let engine = GenerationEngine(generator, configuration, pool: pool)
      let order = requests.indices.shuffled(using: &random)
      let found = try await withThrowingTaskGroup(of: (Int, Outcome).self) { group in
        for index in order {
          let events = try engine.submit(requests[index])
          group.addTask { (index, try await outcome(events)) }
        }
        return try await group.reduce(into: [Int: Outcome]()) { $0[$1.0] = $1.1 }
      }
      for index in requests.indices {
        #expect(found[index] == expected[index], "seed \(seed), trial \(trial), request \(index)")
      }
      await engine.drain()
      #expect(engine.status.usedPages == 0 && engine.status.running == 0)
    }
  }

  @Test("that do not fit into the cache together are put back and come out the same")
  func preemption() async throws {
    let generator = try Self.generator()
    var configuration = EngineConfiguration()
    configuration.cacheTokens = 1
    let engine = GenerationEngine(generator, configuration)
    let requests = (0..<5).map { index in
      EngineRequest(
        prompt: (0..<20).map { Int32(($0 * 3 + index) % 17) },
        options: GenerationOptions(maxTokens: 150, sampling: .greedy))
    }
    let streams = try requests.map { try engine.submit($0) }
    for (request, stream) in zip(requests, streams) {
      #expect(try await outcome(stream) == alone(generator, request))
    }
    #expect(engine.status.preemptions > 0)
  }

  @Test("end where the context is full, however much was asked for")
  func boundless() async throws {
    let generator = try Self.generator()
    let engine = GenerationEngine(generator)
    let options = GenerationOptions(maxTokens: .max, sampling: .greedy)
    let requests = [[1, 2, 3], [4, 5]].map { EngineRequest(prompt: $0, options: options) }
    let streams = try requests.map { try engine.submit($0) }
    for (request, stream) in zip(requests, streams) {
      let ended = try await outcome(stream)
      #expect(try ended == alone(generator, request) && ended.reason == .length)
      #expect(ended.tokens.count >= Self.context - request.prompt.count)
    }
  }

  @Test("share the beginnings of those still running")
  func runningPrefixes() async throws {
    let generator = try TinyModels.generator(context: 3000, sharpness: 6)
    let engine = GenerationEngine(generator)
    let options = GenerationOptions(maxTokens: 2900, sampling: .greedy)
    let request = EngineRequest(prompt: (0..<100).map { Int32($0 * 7 % 17) }, options: options)
    let first = try engine.submit(request)
    for try await case .began(let cached) in first {
      #expect(cached == 0)
      break
    }
    let other = try engine.submit(request)
    for try await case .began(let cached) in other {
      #expect(cached == 96 && engine.status.running == 2)
      break
    }
    withExtendedLifetime((first, other)) {}
  }

  /// One whose cache has eight pages of 32 tokens.
  private static func smallEngine() throws -> GenerationEngine {
    var configuration = EngineConfiguration()
    configuration.cacheTokens = 256
    return GenerationEngine(try generator(), configuration)
  }

  /// How many tokens of a prompt were known.
  private func cached(_ token: Int32, _ count: Int, _ engine: GenerationEngine) async throws -> Int
  {
    let request = EngineRequest(
      prompt: [Int32](repeating: token, count: count),
      options: GenerationOptions(maxTokens: 1, sampling: .greedy))
    return try await outcome(engine.submit(request)).cached
  }

  @Test("forget the beginning that was not used for longest where the cache is full")
  func eviction() async throws {
    let engine = try Self.smallEngine()
    #expect(try await cached(1, 40, engine) == 0)
    #expect(try await cached(2, 40, engine) == 0)
    #expect(try await cached(1, 40, engine) == 32)
    // Seven pages, of which six are free.
    #expect(try await cached(3, 195, engine) == 0)
    #expect(try await cached(1, 40, engine) == 32)
    #expect(try await cached(2, 40, engine) == 0)
  }

  @Test("forget all of an older beginning before the end of a newer one")
  func longEviction() async throws {
    let engine = try Self.smallEngine()
    #expect(try await cached(1, 104, engine) == 0)
    #expect(try await cached(2, 104, engine) == 0)
    #expect(try await cached(1, 104, engine) == 96)
    // Five pages, of which two are free: the three of the second beginning make room.
    #expect(try await cached(3, 130, engine) == 0)
    #expect(try await cached(1, 104, engine) == 96)
    #expect(try await cached(2, 104, engine) == 0)
  }

  @Test("share the beginnings that were read before")
  func prefixes() async throws {
    let generator = try Self.generator()
    let engine = GenerationEngine(generator)
    let prompt = (0..<100).map { Int32($0 * 7 % 17) }
    let options = GenerationOptions(maxTokens: 20, sampling: .greedy)
    let first = try await outcome(engine.submit(EngineRequest(prompt: prompt, options: options)))
    #expect(first.cached == 0)
    // Three whole pages of 32 tokens.
    let second = try await outcome(engine.submit(EngineRequest(prompt: prompt, options: options)))
    #expect(second.cached == 96 && second == first)
    // A conversation goes on: what was written is known too, and a part of a page.
    let longer = prompt + first.tokens.prefix(12) + [3, 3, 3]
    let third = try await outcome(engine.submit(EngineRequest(prompt: longer, options: options)))
    #expect(third.cached == 96)
    let parting = Array(prompt.prefix(80)) + [1, 1, 1, 1, 1, 1]
    let request = EngineRequest(prompt: parting, options: options)
    let fourth = try await outcome(engine.submit(request))
    #expect(fourth.cached == 80)
    #expect(try fourth == alone(generator, request))
  }

  @Test("say how many tokens they have, those whose text is held back included")
  func countedTokens() async throws {
    let generator = try Self.generator()
    var options = GenerationOptions(maxTokens: 12, sampling: .greedy)
    // Every letter begins a stop string, so that each is told with the next.
    options.stops = "abcdefghijklmnop ".map { "\($0)!" }
    var counts: [(letters: Int, tokens: Int)] = []
    var letters = 0
    let request = EngineRequest(prompt: [1, 2, 3], options: options)
    for try await event in try GenerationEngine(generator).submit(request) {
      guard case .text(let text, _, let tokens) = event else { continue }
      letters += text.count
      counts.append((letters, tokens))
    }
    #expect(counts.map(\.tokens) == Array(2...12))
    #expect(counts.dropLast().allSatisfy { $0.tokens == $0.letters + 1 })
  }

  @Test("end when nobody reads them, and leave their pages, while prompts are read and later")
  func cancellation() async throws {
    let generator = try TinyModels.generator(context: 3000, sharpness: 6)
    var configuration = EngineConfiguration()
    configuration.prefillChunk = 1
    let engine = GenerationEngine(generator, configuration)
    let options = GenerationOptions(maxTokens: 2900, sampling: .greedy)
    let reading = EngineRequest(prompt: (0..<2900).map { Int32($0 % 17) }, options: options)
    do {
      let events = try engine.submit(reading)
      while engine.status.passes == 0 { await Task.yield() }
      withExtendedLifetime(events) {}
    }
    await settled(engine)
    #expect(engine.status.generatedTokens == 0)
    do {
      let events = try engine.submit(EngineRequest(prompt: [1, 2, 3], options: options))
      for try await case .text in events { break }
    }
    await settled(engine)
    #expect(engine.status.generatedTokens > 0)
  }

  /// Nobody reads any more: expects that nothing is held after the pass under way and the next.
  private func settled(_ engine: GenerationEngine) async {
    let passes = engine.status.passes
    while engine.status.running + engine.status.waiting > 0 || engine.status.usedPages > 0 {
      try? await Task.sleep(for: .milliseconds(2))
    }
    #expect(engine.status.passes <= passes + 2)
  }

  @Test("are refused with a time to wait where too many wait, and once the engine is to stop")
  func refusals() async throws {
    let generator = try Self.generator()
    var configuration = EngineConfiguration()
    configuration.mostRunning = 1
    configuration.mostWaiting = 2
    let engine = GenerationEngine(generator, configuration)
    let request = EngineRequest(
      prompt: [1, 2, 3], options: GenerationOptions(maxTokens: 190, sampling: .greedy))
    var accepted: [AsyncThrowingStream<EngineEvent, any Error>] = []
    var refusal: EngineRefusal?
    while refusal == nil {
      do { accepted.append(try engine.submit(request)) } catch let error as EngineRefusal {
        refusal = error
      }
    }
    guard case .crowded(let seconds) = refusal else {
      Issue.record("\(refusal!)")
      return
    }
    #expect(seconds >= 1)
    async let drained: Void = engine.drain()
    for events in accepted { #expect(try await outcome(events).tokens.count == 190) }
    await drained
    #expect(throws: EngineRefusal.draining) { try engine.submit(request) }
  }

  @Test("do not suffer from one whose constraint allows nothing")
  func deadEnd() async throws {
    final class Nothing: TokenConstraint {
      func mask() -> TokenMask { TokenMask(allowsAll: false, vocabulary: 17) }
      func accept(_ token: Int32) -> Bool { false }
      var isComplete: Bool { false }
      func fork() -> any TokenConstraint { Nothing() }
    }
    let generator = try Self.generator()
    let engine = GenerationEngine(generator)
    let options = GenerationOptions(maxTokens: 30, sampling: .greedy)
    let good = EngineRequest(prompt: [1, 2], options: options)
    let stream = try engine.submit(good)
    let bad = try engine.submit(
      EngineRequest(prompt: [1, 2], options: options, constraint: { Nothing() }))
    await #expect(throws: GenerationError.deadEnd(afterTokens: 0)) { try await outcome(bad) }
    #expect(try await outcome(stream) == alone(generator, good))
  }

  @Test("mean states and choices of prompts are the same beside others and in any chunks")
  func reading() async throws {
    let generator = try Self.generator()
    let tokens = (0..<90).map { Int32($0 * 5 % 17) }
    let states = withoutGradients {
      generator.model.hidden(Tensor(tokens, shape: [1, 90]), ForwardPass())
    }
    let whole = GenerationEngine(generator)
    let mean = try await whole.meanState(of: tokens)
    let expected = states.reshaped([90, -1]).scalars
    for column in mean.indices {
      let sum = (0..<90).reduce(Float(0)) { $0 + expected[$1 * mean.count + column] }
      #expect(abs(mean[column] - sum / 90) < 2e-3)
    }
    let choices = try await whole.choices(of: tokens, alternatives: 3)
    #expect(choices.map(\.token) == Array(tokens.dropFirst()))
    var configuration = EngineConfiguration()
    configuration.prefillChunk = 7
    configuration.sharedChunk = 5
    let cut = GenerationEngine(generator, configuration)
    let other = try cut.submit(
      EngineRequest(prompt: [4], options: GenerationOptions(maxTokens: 100)))
    #expect(try await cut.meanState(of: tokens) == mean)
    #expect(try await cut.choices(of: tokens, alternatives: 3) == choices)
    #expect(try await outcome(other).tokens.count == 100)
  }
}
