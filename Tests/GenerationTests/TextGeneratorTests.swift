import PrimerGeneration
import PrimerLayers
import PrimerModels
import PrimerTensors
import PrimerTokenizers
import Testing

@Suite("Text generation")
struct TextGeneratorTests {
  private static func generator(context: Int = 48) throws -> TextGenerator {
    try TinyModels.generator(context: context)
  }

  /// The likeliest tokens without any cache: the whole text read anew for each.
  private func greedyWithoutCache(_ generator: TextGenerator, _ prompt: [Int32], _ count: Int)
    -> [Int32]
  {
    var tokens = prompt
    for _ in 0..<count {
      let input = Tensor(tokens, shape: [1, tokens.count])
      let logits = generator.model.nextLogits(input, ForwardPass())
      tokens.append(logits.argmax().integers[0])
    }
    return Array(tokens.dropFirst(prompt.count))
  }

  @Test("greedy tokens are those of reading the whole text anew each time")
  func greedy() throws {
    let generator = try Self.generator()
    let prompt = try generator.tokenizer.encode("abc de")
    let result = try generator.generate(prompt, maxTokens: 30, .greedy)
    #expect(result.tokens == greedyWithoutCache(generator, prompt, 30))
    #expect(result.finishReason == .length)
    #expect(result.promptTokens == 6)
    #expect(result.text == generator.tokenizer.decode(result.tokens))
  }

  @Test("the same request gives the same text with any number of threads")
  func threads() throws {
    let generator = try Self.generator()
    let prompt = try generator.tokenizer.encode(
      "hello"
        .filter { "abcdefghijklmnop ".contains($0) })
    let texts = try [1, 2, 3].map { threads in
      try ComputePool.$current.withValue(ComputePool(threads: threads)) {
        try generator.generate(prompt, maxTokens: 40, SamplingSettings()).tokens
      }
    }
    #expect(texts[0] == texts[1] && texts[1] == texts[2])
  }

  @Test("a prompt read in chunks of any size gives the same text", arguments: [1, 2, 3, 7, 31])
  func chunks(size: Int) throws {
    let generator = try Self.generator(context: 64)
    let prompt = (0..<33).map { Int32($0 * 5 % 17) }
    var options = GenerationOptions(maxTokens: 25)
    options.topLogProbabilities = 3
    let whole = try generator.generate(prompt, options)
    options.prefillChunk = size
    let cut = try generator.generate(prompt, options)
    #expect(cut.tokens == whole.tokens && cut.choices == whole.choices)
  }

  @Test("a text that fills the context ends there, or goes on without its older half")
  func beyondContext() throws {
    let generator = try Self.generator(context: 16)
    var options = GenerationOptions(maxTokens: 60)
    let stopped = try generator.generate([1, 2, 3], options)
    // 16 tokens read, and the one after them.
    #expect(stopped.tokens.count == 14)
    #expect(stopped.finishReason == .length && stopped.filledContext)
    options.contextOverflow = .dropOldHalf
    let whole = try generator.generate([1, 2, 3], options)
    #expect(whole.tokens.count == 60 && whole.filledContext)
    #expect(Array(whole.tokens.prefix(14)) == stopped.tokens)
    #expect(try generator.generate([1], maxTokens: 5, .greedy).filledContext == false)
  }

  @Test("any of the end tokens ends a text")
  func endTokens() throws {
    let plain = try Self.generator().generate([4], maxTokens: 30, .greedy).tokens
    let end = plain[6]
    let first = plain.firstIndex(of: end)!
    let generator = try TinyModels.generator(endTokens: [end, 900, -2])
    #expect(generator.endTokens == [end])
    let result = try generator.generate([4], maxTokens: 30, .greedy)
    #expect(result.tokens == Array(plain[...first]) && result.finishReason == .stop)
    #expect(result.text == generator.tokenizer.decode(Array(plain[..<first])))
  }

  @Test("log-probabilities are the model's own, whatever the sampling")
  func logProbabilities() throws {
    let generator = try Self.generator()
    var options = GenerationOptions(maxTokens: 10)
    options.topLogProbabilities = 4
    options.sampling.temperature = 2
    options.sampling.frequencyPenalty = 1
    let result = try generator.generate([1, 2], options)
    #expect(result.choices.map(\.token) == result.tokens)
    let sum = result.choices.reduce(0.0) { $0 + Double($1.logProbability) }
    #expect(abs(sum - logProbability(generator, [1, 2], result.tokens)) < 1e-3)
    for choice in result.choices {
      #expect(choice.top.count == 4)
      #expect(choice.top.map(\.logProbability) == choice.top.map(\.logProbability).sorted(by: >))
      let same = choice.top.first { $0.token == choice.token }
      #expect(same.map { $0.logProbability == choice.logProbability } ?? true)
      #expect(choice.logProbability <= choice.top[0].logProbability)
    }
  }

  @Test("what is streamed is what is returned")
  func streamed() throws {
    let generator = try Self.generator()
    var streamed = ""
    let result = try generator.generate([1], maxTokens: 20, SamplingSettings(), stops: ["zz"]) {
      streamed += $0
      return true
    }
    #expect(streamed == result.text)
  }

  @Test("a stop string ends the text before it")
  func stop() throws {
    let generator = try Self.generator()
    let whole = try generator.generate([4], maxTokens: 30, .greedy).text
    let stop = String(whole.dropFirst(5).prefix(2))
    let result = try generator.generate([4], maxTokens: 30, .greedy, stops: [stop])
    #expect(result.finishReason == .stop)
    #expect(whole.hasPrefix(result.text) && !result.text.contains(stop))
  }

  @Test("one beam is greedy, and more beams never find a less likely text")
  func beams() throws {
    let generator = try Self.generator()
    let prompt: [Int32] = [1, 5, 9]
    let greedy = try generator.generate(prompt, maxTokens: 12, .greedy).tokens
    #expect(try generator.beamSearch(prompt, maxTokens: 12, beams: 1).tokens == greedy)
    let wide = try generator.beamSearch(prompt, maxTokens: 12, beams: 8).tokens
    #expect(wide.count == 12)
    #expect(
      logProbability(generator, prompt, wide) >= logProbability(generator, prompt, greedy) - 1e-4)
  }

  @Test("enough beams find the likeliest text of all")
  func exhaustive() throws {
    let generator = try Self.generator()
    let vocabulary = Int32(generator.tokenizer.vocabularySize)
    let prompt: [Int32] = [2, 3]
    var best: (tokens: [Int32], value: Double) = ([], -.infinity)
    for first in 0..<vocabulary {
      for second in 0..<vocabulary {
        let value = logProbability(generator, prompt, [first, second])
        if value > best.value { best = ([first, second], value) }
      }
    }
    let found = try generator.beamSearch(prompt, maxTokens: 2, beams: Int(vocabulary))
    #expect(found.tokens == best.tokens)
  }

  private func logProbability(_ generator: TextGenerator, _ prompt: [Int32], _ tokens: [Int32])
    -> Double
  {
    let all = prompt + tokens
    let input = Tensor(Array(all.dropLast()), shape: [1, all.count - 1])
    let scores = logSoftmax(generator.model.logits(input))
    let rows = scores.scalars
    let width = scores.shape[2]
    return tokens.indices.reduce(0) { sum, index in
      sum + Double(rows[(prompt.count - 1 + index) * width + Int(tokens[index])])
    }
  }

  @Test("impossible requests are refused with what to do")
  func refused() throws {
    let generator = try Self.generator(context: 8)
    #expect(throws: GenerationError.promptTooLong(tokens: 9, context: 8)) {
      try generator.generate([Int32](repeating: 1, count: 9), maxTokens: 1, .greedy)
    }
    #expect(throws: GenerationError.emptyPrompt) {
      try generator.generate([], maxTokens: 1, .greedy)
    }
    #expect(throws: GenerationError.self) {
      try generator.beamSearch([1], maxTokens: 3, beams: 0)
    }
    #expect(throws: GenerationError.self) { try generator.generate([900], maxTokens: 1, .greedy) }
    var options = GenerationOptions(maxTokens: 1)
    options.sampling.logitBias = [900: 1]
    #expect(throws: GenerationError.self) { try generator.generate([1], options) }
    options = GenerationOptions(maxTokens: 1)
    options.topLogProbabilities = 101
    #expect(throws: GenerationError.self) { try generator.generate([1], options) }
    #expect(throws: GenerationError.self) {
      try TextGenerator(generator.model, .characters(of: "abcdefghijklmnopqrstuvwxyz"))
    }
  }
}
