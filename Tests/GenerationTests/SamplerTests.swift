import PrimerGeneration
import PrimerTensors
import TestSupport
import Testing

@Suite("Sampler")
struct SamplerTests {
  private let logits: [Float] = [1, 3, 2, -1, 0.5]

  private func probabilities(
    seen: [Int32] = [], _ change: (inout SamplingSettings) -> Void = { _ in }
  ) -> [Int32: Double] {
    var settings = SamplingSettings()
    change(&settings)
    let sampler = Sampler(settings, prompt: seen)
    let pairs = sampler.distribution(row(logits)).map { ($0.token, $0.probability) }
    return Dictionary(uniqueKeysWithValues: pairs)
  }

  private func row(_ logits: [Float]) -> Tensor { Tensor(logits, shape: [logits.count]) }

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
    #expect(sampler.next(row(logits)) == 1)
    #expect(sampler.next(row([2, 5, 5])) == 1)
  }

  @Test("temperature 0 with biases takes the first of the highest biased logits")
  func biasedGreedy() {
    var random = SplitMix(state: 3)
    for round in 0..<400 {
      // Few values, so that equal ones are frequent.
      var values = (0..<40).map { _ in Float(Int.random(in: -3...3, using: &random)) }
      if round % 10 == 7 { values[Int.random(in: 0..<40, using: &random)] = .nan }
      if round % 10 == 8 { values[Int.random(in: 0..<40, using: &random)] = .infinity }
      if round % 50 == 9 { values = values.map { _ in -.infinity } }
      var settings = SamplingSettings.greedy
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        settings.logitBias[Int.random(in: 0..<50, using: &random)] =
          [-.infinity, -2, -1, 0, 1, 2, 4].randomElement(using: &random)!
      }
      var sampler = Sampler(settings)
      let expected = sampler.distribution(row(values))
      #expect(sampler.next(row(values)) == expected[0].token, "round \(round)")
    }
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
    for _ in 0..<total { counts[Int(sampler.next(row(logits)))] += 1 }
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
      return (0..<50).map { _ in sampler.next(row(logits)) }
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
    refuses("window") { $0.penaltyWindow = -1 }
    refuses("typical-p") { $0.typicalP = 0 }
    refuses("top-n-sigma") { $0.topNSigma = -1 }
    refuses("XTC probability") { $0.xtcProbability = 1.5 }
    refuses("XTC threshold") { $0.xtcThreshold = 0 }
    refuses("dynamic temperature") { $0.dynamicTemperature = .infinity }
    refuses("exponent") { $0.dynamicTemperatureExponent = 0 }
    refuses("presence") { $0.presencePenalty = .nan }
    refuses("frequency") { $0.frequencyPenalty = .infinity }
    refuses("token 3") { $0.logitBias = [3: .nan] }
    refuses("token -1") { $0.logitBias = [-1: 1] }
    refuses("mirostat target") { $0.mirostat = changed(Mirostat()) { $0.target = -1 } }
    refuses("mirostat rate") { $0.mirostat = changed(Mirostat()) { $0.rate = 0 } }
    refuses("multiplier") { $0.dry = changed(DryPenalty()) { $0.multiplier = -1 } }
    refuses("base") { $0.dry = changed(DryPenalty()) { $0.base = 0.5 } }
    refuses("allowed length") { $0.dry = changed(DryPenalty()) { $0.allowedLength = 0 } }
  }

  private func changed<Value>(_ value: Value, _ change: (inout Value) -> Void) -> Value {
    var value = value
    change(&value)
    return value
  }

  @Test("logits that are not numbers still give a token")
  func notNumbers() {
    for bad in [Float.nan, .infinity, -.infinity] {
      var settings = SamplingSettings()
      settings.topP = bad.isNaN ? 0.9 : 1
      var sampler = Sampler(settings)
      let token = sampler.next(row([bad, bad, bad]))
      #expect(token >= 0 && token < 3)
    }
  }

  @Test("a logit that is no number does not keep the others from being drawn")
  func oneNotNumber() {
    var counts = [Double](repeating: 0, count: 3)
    var sampler = Sampler(SamplingSettings())
    for _ in 0..<300 { counts[Int(sampler.next(row([2, .nan, 2])))] += 1 }
    #expect(counts[1] == 0 && counts[0] > 80 && counts[2] > 80)
  }

  @Test("a draw from a large vocabulary follows the distribution (chi-square)", arguments: [3, 4])
  func largeVocabulary(seed: UInt64) {
    // 40 tokens share the probability, spread over blocks of the vocabulary.
    var logits = [Float](repeating: -50, count: 5000)
    for index in 0..<40 { logits[index * 127] = Float(index % 8) / 3 }
    var settings = SamplingSettings()
    settings.seed = seed
    var sampler = Sampler(settings)
    let expected = sampler.distribution(row(logits)).prefix(40)
    var counts: [Int32: Double] = [:]
    let total = 20_000.0
    for _ in 0..<Int(total) { counts[sampler.next(row(logits)), default: 0] += 1 }
    let chiSquare = expected.reduce(0.0) { sum, choice in
      let mean = choice.probability * total
      return sum + ((counts[choice.token] ?? 0) - mean) * ((counts[choice.token] ?? 0) - mean)
        / mean
    }
    #expect(Set(counts.keys).isSubset(of: Set(expected.map(\.token))))
    // 39 degrees of freedom: above 80 once in about 10,000 times.
    #expect(chiSquare < 80)
  }

  @Test("the first tokens of many seeds follow the distribution")
  func firstTokens() {
    var counts = [Double](repeating: 0, count: 5)
    let total = 20_000
    for seed in 0..<UInt64(total) {
      var settings = SamplingSettings()
      settings.seed = seed
      var sampler = Sampler(settings)
      counts[Int(sampler.next(row(logits)))] += 1
    }
    for (count, expected) in zip(counts, softmax(logits)) {
      let deviation = (expected * (1 - expected) / Double(total)).squareRoot()
      #expect(abs(count / Double(total) - expected) < 5 * deviation)
    }
  }

  @Test("token i is drawn with number i of the seed, whatever came before")
  func numbered() {
    var settings = SamplingSettings()
    settings.seed = 11
    var (plain, other) = (Sampler(settings), Sampler(settings))
    for step in 0..<60 {
      // A certain token in the other text takes no number from the next one.
      let certain = step % 3 == 1
      let token = plain.next(row(logits))
      let second = other.next(
        row(certain ? [9, -.infinity, -.infinity, -.infinity, -.infinity] : logits))
      #expect(certain ? second == 0 : second == token)
    }
  }
}
