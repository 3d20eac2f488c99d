import PrimerGeneration
import PrimerLayers
import PrimerModels
import PrimerTensors
import PrimerTokenizers
import Testing

@Suite("Text generation")
struct TextGeneratorTests {
  private static func generator(context: Int = 48) throws -> TextGenerator {
    let tokenizer = Tokenizer.characters(of: "abcdefghijklmnop ")
    let model = try LlamaModel(
      LlamaConfiguration(
        vocabulary: tokenizer.vocabularySize, context: context, width: 32, layers: 2, heads: 4,
        keyValueHeads: 2, hiddenWidth: 64),
      // Larger than usual weights, so that the tokens are far from equally likely.
      ParameterScope(seed: 3))
    for parameter in model.parameters where parameter.shape.count == 2 {
      parameter.replace(with: parameter.value * 12)
    }
    return try TextGenerator(model, tokenizer)
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

  @Test("text longer than the context goes on")
  func beyondContext() throws {
    let generator = try Self.generator(context: 16)
    let result = try generator.generate([1, 2, 3], maxTokens: 60, SamplingSettings())
    #expect(result.tokens.count == 60)
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
    #expect(throws: GenerationError.self) {
      try TextGenerator(generator.model, .characters(of: "abcdefghijklmnopqrstuvwxyz"))
    }
  }
}
