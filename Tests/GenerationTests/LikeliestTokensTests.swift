import Foundation
import PrimerGeneration
import PrimerLayers
import PrimerModels
import PrimerTensors
import PrimerTokenizers
import Testing

@Suite("The likeliest tokens")
struct LikeliestTokensTests {
  private static let vocabulary = 4500

  private static func generator(_ type: ElementType) throws -> TextGenerator {
    let characters = (0..<UInt32(vocabulary)).map { Character(UnicodeScalar(0x4e00 + $0)!) }
    let tokenizer = Tokenizer.characters(of: String(characters))
    let model = try LlamaModel(
      LlamaConfiguration(
        // A few rows more than the tokenizer can spell.
        vocabulary: tokenizer.vocabularySize + 20, context: 400, width: 64, layers: 2, heads: 4,
        keyValueHeads: 2, hiddenWidth: 128),
      ParameterScope(seed: 4))
    for parameter in model.parameters where parameter.shape.count == 2 {
      parameter.replace(with: parameter.value * 8)
    }
    model.head.replace(with: model.head.value.converted(to: type))
    return try TextGenerator(model, tokenizer)
  }

  private static let prompt: [Int32] = [7, 1000, 4499, 12]

  /// The likeliest token again and again, by all logits.
  private func reference(
    _ generator: TextGenerator, _ count: Int, behind prompt: [Int32] = prompt,
    biases: [Int: Float] = [:]
  ) -> [Int32] {
    let sequence = CachedSequence(generator.model.makeCache(capacity: 400))
    var unread = prompt
    return (0..<count).map { _ in
      #expect(sequence.reserve(unread.count))
      let states = generator.model.cachedStates(unread, [(sequence, unread.count)])
      let last = states.sliced(axis: 0, unread.count - 1..<unread.count)
      var logits = generator.model.scores(last.contiguous()).scalars
        .prefix(generator.tokenizer.vocabularySize)
      for (token, bias) in biases { logits[token] += bias }
      let best = Int32(logits.firstIndex(of: logits.max()!)!)
      unread = [best]
      return best
    }
  }

  private func options(_ count: Int, biases: [Int: Float] = [:]) -> GenerationOptions {
    var options = GenerationOptions(maxTokens: count, sampling: .greedy)
    options.sampling.logitBias = biases
    return options
  }

  @Test("are those that all logits tell", arguments: [ElementType.float16, .bfloat16])
  func greedy(type: ElementType) throws {
    let generator = try Self.generator(type)
    var seen: Set<Int32> = []
    for start in Int32(0)..<40 {
      let prompt = [start * 101, 3, start]
      let expected = reference(generator, 10, behind: prompt)
      #expect(try generator.generate(prompt, options(10)).tokens == expected)
      seen.formUnion(expected)
    }
    #expect(seen.count > 60)
    // Told by the copy, most of them.
    #expect(generator.likeliest.told > 200)
    #expect(generator.likeliest.copyByteCount > 0)
  }

  @Test("are those that all logits tell with biases, which may ban them or bring others up")
  func biases() throws {
    let generator = try Self.generator(.float16)
    let plain = reference(generator, 60)
    var biases = [Int(plain[3]): -Float.infinity, Int(plain[9]): -100, 17: 3]
    biases[18] = 2
    let expected = reference(generator, 250, biases: biases)
    #expect(expected != reference(generator, 250))
    #expect(expected.contains(17) || expected.contains(18))
    #expect(try generator.generate(Self.prompt, options(250, biases: biases)).tokens == expected)
    #expect(generator.likeliest.told > 80)
  }

  @Test("are the same among other texts, of which some want all logits")
  func together() async throws {
    let generator = try Self.generator(.float16)
    let expected = reference(generator, 150)
    let engine = GenerationEngine(generator)
    try await withThrowingTaskGroup(of: [Int32].self) { group in
      for index in 0..<12 {
        var options = options(150)
        if index % 3 == 0 { options.topLogProbabilities = 2 }
        if index % 3 == 1 { options.sampling.repetitionPenalty = 1.0001 }
        let request = EngineRequest(prompt: Self.prompt, options: options, user: "\(index)")
        group.addTask {
          var tokens: [Int32] = []
          for try await event in try engine.submit(request) {
            if case .finished(let result) = event { tokens = result.tokens }
          }
          return index % 3 == 1 ? expected : tokens
        }
      }
      for try await tokens in group { #expect(tokens == expected) }
    }
    #expect(generator.likeliest.told > 200)
  }

  @Test("are told by a copy with a fifth bit where four leave too many")
  func widened() throws {
    let generator = try Self.generator(.float16)
    let (rows, width) = (generator.model.head.value.shape[0], 64)
    // Much the same rows, of which many can be the likeliest; told apart by what is lost of a weight with
    // four bits.
    let base = (0..<width).map { Float($0 % 7) - 3 }
    let values = (0..<rows * width).map { index in
      base[index % width] * (1 + 0.01 * Float((index / width * 31 + index % width * 17) % 23) / 23)
    }
    generator.model.head.replace(
      with: Tensor(values, shape: [rows, width]).converted(to: .float16))
    let expected = reference(generator, 160)
    #expect(try generator.generate(Self.prompt, options(160)).tokens == expected)
    #expect(generator.likeliest.copyByteCount == Self.copyByteCount(rows, width, bits: 5))
  }

  @Test("are told by a copy with four bits where these leave few")
  func narrow() throws {
    let generator = try Self.generator(.float16)
    let (rows, width) = (generator.model.head.value.shape[0], 64)
    // A row for either sign of each number of a state, of which four bits lose nothing.
    var values = [Float](repeating: 0.001, count: rows * width)
    for row in 0..<2 * width {
      for column in 0..<width { values[row * width + column] = 0 }
      values[row * width + row / 2] = row % 2 == 0 ? 1 : -1
    }
    generator.model.head.replace(
      with: Tensor(values, shape: [rows, width]).converted(to: .float16))
    let expected = reference(generator, 160)
    #expect(try generator.generate(Self.prompt, options(160)).tokens == expected)
    #expect(generator.likeliest.told >= 90)
    #expect(generator.likeliest.copyByteCount == Self.copyByteCount(rows, width, bits: 4))
  }

  /// Codes of whole panels with a scale for 32, a byte a row, and two numbers for 16.
  private static func copyByteCount(_ rows: Int, _ width: Int, bits: Int) -> Int {
    let padded = (rows + 31) / 32 * 32
    return padded * width / 32 * (bits == 5 ? 22 : 18) + rows + padded / 16 * 8
  }

  @Test("are not asked of a copy where the head is small, or in f32")
  func none() throws {
    let generator = try Self.generator(.float32)
    #expect(try generator.generate(Self.prompt, options(100)).tokens == reference(generator, 100))
    #expect(generator.likeliest.copyByteCount == 0)
  }
}
