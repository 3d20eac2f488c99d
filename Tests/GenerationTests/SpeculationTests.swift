import PrimerTensors
import PrimerTokenizers
import Synchronization
import Testing

@testable import PrimerGeneration

@Suite("Speculation")
struct SpeculationTests {
  /// Settings of every kind, all of which must give the same text with guesses and without.
  private static let settings: [SamplingSettings] = {
    var all = [SamplingSettings.greedy, SamplingSettings()]
    func add(_ change: (inout SamplingSettings) -> Void) {
      var settings = SamplingSettings()
      settings.temperature = 0.6
      change(&settings)
      all.append(settings)
    }
    add { ($0.topK, $0.topP, $0.minP) = (8, 0.9, 0.02) }
    add { ($0.xtcProbability, $0.typicalP) = (0.5, 0.8) }
    add { $0.mirostat = Mirostat() }
    add { ($0.frequencyPenalty, $0.repetitionPenalty, $0.dry) = (0.3, 1.2, DryPenalty()) }
    return all
  }()

  private func speculation(_ source: Speculation.Source, longest: Int) -> Speculation {
    var speculation = Speculation(source)
    (speculation.longest, speculation.stopsWhereItLoses) = (longest, false)
    return speculation
  }

  @Test("guesses by look-up never change a text", arguments: 1..<9)
  func lookup(seed: UInt64) throws {
    let generator = try TinyModels.generator(seed: seed, context: 96, endTokens: [5])
    for (number, settings) in Self.settings.enumerated() {
      var options = GenerationOptions(maxTokens: 80, sampling: settings)
      options.sampling.seed = seed
      let prompt: [Int32] = [1, 2, 3, 1, 2, 3, 4]
      let plain = try generator.generate(prompt, options)
      options.speculation = speculation(.promptLookup, longest: 1 + number * 2)
      let guessed = try generator.generate(prompt, options)
      #expect(guessed.tokens == plain.tokens && guessed.text == plain.text)
      #expect(guessed.finishReason == plain.finishReason)
    }
  }

  @Test("guesses of a draft model never change a text", arguments: 1..<5)
  func draft(seed: UInt64) throws {
    let generator = try TinyModels.generator(seed: seed, context: 64)
    let draft = try TinyModels.generator(seed: seed + 50, context: 64, width: 16, layers: 1)
    for settings in Self.settings {
      var options = GenerationOptions(maxTokens: 50, sampling: settings)
      options.sampling.seed = seed
      options.topLogProbabilities = 2
      let plain = try generator.generate([7, 8], options)
      options.speculation = speculation(.model(draft), longest: 5)
      let guessed = try generator.generate([7, 8], options)
      #expect(guessed.tokens == plain.tokens)
      #expect(guessed.choices == plain.choices)
      #expect(guessed.drafted > 0)
    }
  }

  @Test("a draft model that is the model guesses everything right, drawing or not")
  func perfect() throws {
    let generator = try TinyModels.generator(context: 64)
    for settings in Self.settings {
      var options = GenerationOptions(maxTokens: 40, sampling: settings)
      options.speculation = speculation(.model(generator), longest: 4)
      let text = try generator.generate([1], options)
      #expect(text.accepted == text.drafted && text.drafted >= 28)
    }
  }

  @Test("guesses never change a text that outgrows the context")
  func beyondContext() throws {
    let generator = try TinyModels.generator(context: 24)
    for settings in Self.settings.prefix(3) {
      var options = GenerationOptions(maxTokens: 100, sampling: settings)
      options.contextOverflow = .dropOldHalf
      let plain = try generator.generate([1, 2, 3], options)
      for source in [Speculation.Source.promptLookup, .model(generator)] {
        options.speculation = speculation(source, longest: 6)
        #expect(try generator.generate([1, 2, 3], options).tokens == plain.tokens)
      }
    }
  }

  @Test("a text does not depend on what the clock says, which decides only when to guess")
  func clocks() throws {
    let generator = try TinyModels.generator(context: 128)
    let draft = try TinyModels.generator(seed: 70, context: 128, width: 16, layers: 1)
    var options = GenerationOptions(maxTokens: 100)
    let plain = try generator.generate([2], options)
    var drafted: Set<Int> = []
    for period in [1, 2, 3, 7] {
      let ticks = Mutex(0)
      options.speculation = Speculation(.model(draft)) {
        ticks.withLock {
          $0 += 1
          return Double($0 * $0 % (10 * period))
        }
      }
      let text = try generator.generate([2], options)
      #expect(text.tokens == plain.tokens)
      drafted.insert(text.drafted)
    }
    #expect(drafted.count > 1)
  }

  @Test("a repeating prompt is guessed by look-up")
  func lookupFinds() {
    var lookup = PromptLookup()
    let text: [Int32] = [1, 2, 3, 4, 5, 9, 2, 3, 4]
    #expect(lookup.propose(after: text, atMost: 3) == [5, 9, 2])
    #expect(lookup.propose(after: text + [5, 7], atMost: 3) == [])
    #expect(lookup.propose(after: text + [5, 7, 9, 2], atMost: 2) == [3, 4])
    #expect(lookup.propose(after: text + [5, 7, 9, 2, 8, 8, 8], atMost: 5) == [8])
  }

  @Test("guessing goes on while it pays, and pauses where it loses")
  func monitor() {
    var winning = SpeculationMonitor(longest: 8)
    #expect(winning.length == 0)
    for _ in 0..<2 { winning.record(drafted: 0, written: 1, seconds: 1) }
    #expect(winning.length == 4)
    for _ in 0..<20 {
      winning.record(drafted: winning.length, written: winning.length + 1, seconds: 2)
    }
    #expect(winning.length == 8 && !winning.isPaused)

    var losing = SpeculationMonitor(longest: 8)
    for _ in 0..<2 { losing.record(drafted: 0, written: 1, seconds: 1) }
    for _ in 0..<4 { losing.record(drafted: losing.length, written: 1, seconds: 1.5) }
    #expect(losing.isPaused && losing.length == 0)
    var pauses: [Int] = []
    for _ in 0..<3 {
      var pause = 0
      while losing.length == 0 {
        losing.record(drafted: 0, written: 1, seconds: 1)
        pause += 1
      }
      pauses.append(pause)
      while losing.length > 0 { losing.record(drafted: losing.length, written: 1, seconds: 1.5) }
    }
    #expect(pauses == [32, 64, 128])
  }

  @Test("the length of guesses follows how many are right")
  func lengths() {
    var monitor = SpeculationMonitor(longest: 8)
    for _ in 0..<2 { monitor.record(drafted: 0, written: 1, seconds: 10) }
    monitor.record(drafted: 4, written: 5, seconds: 1)
    #expect(monitor.length == 6)
    monitor.record(drafted: 6, written: 2, seconds: 1)
    #expect(monitor.length == 2)
    monitor.record(drafted: 2, written: 1, seconds: 1)
    #expect(monitor.length == 1)
  }

  @Test("a draft model with another vocabulary is refused")
  func refused() throws {
    let generator = try TinyModels.generator()
    let other = try TextGenerator(generator.model, .characters(of: "abc"))
    var options = GenerationOptions(maxTokens: 3)
    options.speculation = Speculation(.model(other))
    #expect(throws: GenerationError.self) { try generator.generate([1], options) }
    let renamed = try TextGenerator(generator.model, .characters(of: "ABCDEFGHIJKLMNOP "))
    options.speculation = Speculation(.model(renamed))
    #expect(throws: GenerationError.self) { try generator.generate([1], options) }
  }
}
