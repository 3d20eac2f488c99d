import PrimerGeneration
import PrimerLayers
import PrimerModels
import PrimerTensors
import Testing

@Suite("Searches")
struct SearchTests {
  @Test("groups of beams begin differently, one group is an ordinary search")
  func groups() throws {
    let generator = try TinyModels.generator()
    var options = BeamOptions()
    (options.maxTokens, options.beams, options.groups, options.diversity) = (6, 4, 4, 100)
    let found = try generator.beamSearch([1, 5], options)
    #expect(Set(found.map { $0.tokens[0] }).count == 4)
    options.diversity = 0
    let same = try generator.beamSearch([1, 5], options)
    let greedy = try generator.generate([1, 5], maxTokens: 6, .greedy).tokens
    #expect(same.allSatisfy { $0.tokens == greedy })
    options.groups = 1
    let ordinary = try generator.beamSearch([1, 5], options)
    #expect(
      ordinary[0].tokens == (try generator.beamSearch([1, 5], maxTokens: 6, beams: 4).tokens))
  }

  @Test("diverse beams agree with a search that reads every text anew", arguments: [0.3, 2])
  func diverse(strength: Double) throws {
    let generator = try TinyModels.generator(seed: 9, sharpness: 6)
    var options = BeamOptions()
    (options.maxTokens, options.beams, options.groups) = (5, 6, 3)
    options.diversity = strength
    let found = try generator.beamSearch([3, 4], options)
    let expected = reference(generator, [3, 4], options)
    #expect(Set(found.map(\.tokens)) == Set(expected.map(\.tokens)))
    for text in found {
      let own = expected.first { $0.tokens == text.tokens }
      #expect(abs(text.logProbability! - (own?.sum ?? 0)) < 1e-3)
    }
  }

  private struct Found {
    var tokens: [Int32] = []
    var sum = 0.0
    var score = 0.0
  }

  /// The algorithm of the paper without any cache; no token ends a text.
  private func reference(
    _ generator: TextGenerator, _ prompt: [Int32], _ options: BeamOptions
  ) -> [Found] {
    let own = options.beams / options.groups
    var groups = [[Found]](repeating: [Found()], count: options.groups)
    for _ in 0..<options.maxTokens {
      var taken: [Int32] = []
      for group in groups.indices {
        var all: [Found] = []
        for beam in groups[group] {
          for (token, value) in logProbabilities(generator, prompt + beam.tokens).enumerated() {
            let times = Double(taken.filter { $0 == Int32(token) }.count)
            all.append(
              Found(
                tokens: beam.tokens + [Int32(token)], sum: beam.sum + value,
                score: beam.score + value - options.diversity * times))
          }
        }
        groups[group] = Array(all.sorted { $0.score > $1.score }.prefix(own))
        taken += groups[group].map { $0.tokens.last! }
      }
    }
    return groups.flatMap { $0 }
  }

  private func logProbabilities(_ generator: TextGenerator, _ text: [Int32]) -> [Double] {
    let input = Tensor(text, shape: [1, text.count])
    return logSoftmax(generator.model.nextLogits(input)).scalars.map(Double.init)
  }

  @Test("contrastive search agrees with reading every text anew", arguments: [0.2, 0.6])
  func contrastive(alpha: Double) throws {
    let generator = try TinyModels.generator(seed: 21, sharpness: 6)
    var contrast = ContrastiveOptions()
    (contrast.alpha, contrast.candidates) = (alpha, 5)
    let found = try generator.contrastiveSearch(
      [1, 2, 3], GenerationOptions(maxTokens: 12), contrast)
    var text: [Int32] = [1, 2, 3]
    for _ in 0..<12 {
      let values = logProbabilities(generator, text)
      let top = values.indices.sorted { values[$0] > values[$1] }.prefix(5)
      let scores = top.map { token -> Double in
        let states = states(generator, text + [Int32(token)])
        let likeness = states.dropLast().map { cosine($0, states.last!) }.max()!
        return (1 - alpha) * Double(exponential(values[token])) - alpha * likeness
      }
      let best = zip(top, scores).max { $0.1 < $1.1 }!.0
      text.append(Int32(best))
    }
    #expect(found.tokens == Array(text.dropFirst(3)))
    #expect(found.finishReason == .length)
  }

  private func states(_ generator: TextGenerator, _ text: [Int32]) -> [[Float]] {
    let states = generator.model.hidden(Tensor(text, shape: [1, text.count]), ForwardPass())
    let width = states.shape[2]
    let all = states.scalars
    return text.indices.map { Array(all[$0 * width..<($0 + 1) * width]) }
  }

  private func cosine(_ a: [Float], _ b: [Float]) -> Double {
    func dot(_ a: [Float], _ b: [Float]) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0 * $1.1) }
    }
    return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
  }

  @Test("contrastive search without penalty is greedy, and streams what it returns")
  func contrastiveGreedy() throws {
    let generator = try TinyModels.generator()
    var contrast = ContrastiveOptions()
    contrast.alpha = 0
    var streamed = ""
    let found = try generator.contrastiveSearch(
      [4], GenerationOptions(maxTokens: 20), contrast
    ) {
      streamed += $0
      return true
    }
    #expect(found.tokens == (try generator.generate([4], maxTokens: 20, .greedy).tokens))
    #expect(streamed == found.text)
  }

  @Test("searches refuse what they cannot do")
  func refused() throws {
    let generator = try TinyModels.generator(context: 8)
    var beams = BeamOptions()
    (beams.beams, beams.groups) = (4, 3)
    #expect(throws: GenerationError.self) { try generator.beamSearch([1], beams) }
    beams.groups = 1
    beams.maxTokens = 8
    #expect(throws: GenerationError.self) { try generator.beamSearch([1], beams) }
    var contrast = ContrastiveOptions()
    contrast.alpha = 1.5
    #expect(throws: GenerationError.self) {
      try generator.contrastiveSearch([1], GenerationOptions(maxTokens: 2), contrast)
    }
    #expect(throws: GenerationError.self) {
      try generator.contrastiveSearch([1], GenerationOptions(maxTokens: 8), ContrastiveOptions())
    }
  }
}
