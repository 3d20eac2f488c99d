import PrimerGeneration
import Testing

@Suite("Sampler")
struct SamplerTests {
  private let logits: [Float] = [1, 3, 2, -1, 0.5]

  private func probabilities(
    seen: [Int32] = [], _ change: (inout SamplingSettings) -> Void = { _ in }
  ) -> [Int32: Double] {
    var settings = SamplingSettings()
    change(&settings)
    let pairs = Sampler.distribution(logits, settings, seen: seen).map {
      ($0.token, $0.probability)
    }
    return Dictionary(uniqueKeysWithValues: pairs)
  }

  private func softmax(_ logits: [Float], temperature: Double = 1) -> [Double] {
    let weights = logits.map { exponential(Double($0) / temperature) }
    let total = weights.reduce(0, +)
    return weights.map { $0 / total }
  }

  private func exponential(_ x: Double) -> Double {
    // Taylor's series after halving: independent of what the sampler uses.
    var (sum, term) = (1.0, 1.0)
    for n in 1..<30 {
      term *= x / 1024 / Double(n)
      sum += term
    }
    for _ in 0..<10 { sum *= sum }
    return sum
  }

  @Test("temperature 1 gives the softmax, other temperatures sharpen or flatten it")
  func temperature() {
    for temperature in [0.5, 1, 2] {
      let found = probabilities { $0.temperature = Float(temperature) }
      for (token, expected) in softmax(logits, temperature: temperature).enumerated() {
        #expect(abs(found[Int32(token)]! - expected) < 1e-9)
      }
    }
  }

  @Test("temperature 0 takes the likeliest, the first of equals")
  func greedy() {
    var sampler = Sampler(.greedy)
    #expect(sampler.next(logits, seen: []) == 1)
    #expect(sampler.next([2, 5, 5], seen: []) == 1)
  }

  @Test("top-k keeps the k likeliest and shares their probability out")
  func topK() {
    let found = probabilities { $0.topK = 2 }
    let all = softmax(logits)
    #expect(Set(found.keys) == [1, 2])
    #expect(abs(found[1]! - all[1] / (all[1] + all[2])) < 1e-9)
  }

  @Test("top-p keeps the fewest tokens that reach p")
  func topP() {
    // Softmax: 0.087, 0.640, 0.235, 0.012, 0.053 (rounded).
    #expect(Set(probabilities { $0.topP = 0.6 }.keys) == [1])
    #expect(Set(probabilities { $0.topP = 0.7 }.keys) == [1, 2])
    #expect(Set(probabilities { $0.topP = 0.9 }.keys) == [1, 2, 0])
    #expect(probabilities { $0.topP = 1 }.count == 5)
  }

  @Test("min-p keeps tokens at least p times as likely as the likeliest")
  func minP() {
    #expect(Set(probabilities { $0.minP = 0.3 }.keys) == [1, 2])
    #expect(Set(probabilities { $0.minP = 0.1 }.keys) == [0, 1, 2])
  }

  @Test("the repetition penalty divides positive logits and multiplies negative ones")
  func repetition() {
    let found = probabilities(seen: [1, 3]) { $0.repetitionPenalty = 2 }
    let expected = softmax([1, 1.5, 2, -2, 0.5])
    for token in 0..<5 { #expect(abs(found[Int32(token)]! - expected[token]) < 1e-9) }
  }

  @Test("draws follow the distribution")
  func draws() {
    var settings = SamplingSettings()
    settings.seed = 7
    var sampler = Sampler(settings)
    var counts = [Double](repeating: 0, count: 5)
    let total = 20_000
    for _ in 0..<total { counts[Int(sampler.next(logits, seen: []))] += 1 }
    for (count, expected) in zip(counts, softmax(logits)) {
      // Five standard deviations of a binomial count.
      let deviation = (expected * (1 - expected) / Double(total)).squareRoot()
      #expect(abs(count / Double(total) - expected) < 5 * deviation)
    }
  }

  @Test("the same seed draws the same tokens, another seed others")
  func seeds() {
    func draw(_ seed: UInt64) -> [Int32] {
      var settings = SamplingSettings()
      settings.seed = seed
      var sampler = Sampler(settings)
      return (0..<50).map { _ in sampler.next(logits, seen: []) }
    }
    #expect(draw(1) == draw(1))
    #expect(draw(1) != draw(2))
  }

  @Test("settings out of range are refused with the setting's name")
  func refused() {
    func refuses(_ word: String, _ change: (inout SamplingSettings) -> Void) {
      var settings = SamplingSettings()
      change(&settings)
      let error = #expect(throws: GenerationError.self) { try settings.check() }
      #expect(error?.description.contains(word) == true)
    }
    refuses("temperature") { $0.temperature = -1 }
    refuses("temperature") { $0.temperature = .nan }
    refuses("top-p") { $0.topP = 0 }
    refuses("top-k") { $0.topK = -1 }
    refuses("min-p") { $0.minP = 2 }
    refuses("repetition") { $0.repetitionPenalty = 0 }
  }

  @Test("logits that are not numbers still give a token")
  func notNumbers() {
    for bad in [Float.nan, .infinity, -.infinity] {
      var sampler = Sampler(SamplingSettings())
      let token = sampler.next([bad, bad, bad], seen: [])
      #expect(token >= 0 && token < 3)
    }
  }
}
