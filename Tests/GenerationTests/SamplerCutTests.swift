import PrimerGeneration
import PrimerTensors
import Testing

@Suite("Sampler cuts")
struct SamplerCutTests {
  /// Logits of a few vocabularies, small and large, sharp and flat.
  private static let rows: [[Float]] = [(7, 1.0), (60, 3.0), (900, 2.5), (6000, 2.0)].map {
    count, deviation in
    // Twelve uniform values less 6 are nearly normal.
    var random = RandomSource(seed: UInt64(count), counter: 1)
    return (0..<count).map { _ in
      Float(deviation * (0..<12).reduce(-6.0) { sum, _ in sum + random.nextUniform() })
    }
  }

  private func agrees(_ change: (inout SamplingSettings) -> Void, strikes: Bool = false) {
    var settings = SamplingSettings()
    change(&settings)
    for logits in Self.rows {
      let expected = SamplerReference(settings: settings, strikes: strikes).probabilities(logits)
      let found = Sampler(settings).distribution(Tensor(logits, shape: [logits.count]))
      #expect(Set(found.map(\.token)) == Set(expected.keys), "vocabulary \(logits.count)")
      for choice in found {
        // Sums over many tokens are f32 vectors.
        #expect(abs(choice.probability - (expected[choice.token] ?? 0)) < 1e-5)
      }
      #expect(abs(found.reduce(0) { $0 + $1.probability } - 1) < 1e-9)
    }
  }

  @Test("top-k, top-p and min-p agree with plain sorting", arguments: [Float(0.5), 1, 1.7])
  func usual(temperature: Float) {
    for place in SamplingSettings.TemperaturePlace.allCases {
      func check(_ change: (inout SamplingSettings) -> Void) {
        agrees {
          ($0.temperature, $0.temperaturePlace) = (temperature, place)
          change(&$0)
        }
      }
      check { $0.topK = 5 }
      check { $0.topP = 0.9 }
      check { $0.minP = 0.05 }
      check { ($0.topK, $0.topP, $0.minP) = (40, 0.95, 0.05) }
      check { ($0.topP, $0.minP) = (0.8, 0.01) }
    }
  }

  @Test("typical-p keeps the tokens nearest to the entropy", arguments: [Float(0.1), 0.5, 0.95])
  func typical(p: Float) {
    agrees { $0.typicalP = p }
    agrees { ($0.typicalP, $0.topK) = (p, 30) }
    agrees { ($0.typicalP, $0.topP, $0.minP) = (p, 0.9, 0.1) }
    agrees { ($0.typicalP, $0.temperature, $0.temperaturePlace) = (p, 0.7, .last) }
  }

  @Test("typical-p can leave out the likeliest token")
  func typicalLeavesTop() {
    // One token of probability 0.4, 60 of 0.01: the entropy is far from -ln 0.4.
    let logits = [logarithm(Float(0.4))] + [Float](repeating: logarithm(Float(0.01)), count: 60)
    var settings = SamplingSettings()
    settings.typicalP = 0.495
    let found = Sampler(settings).distribution(Tensor(logits, shape: [61]))
    #expect(!found.contains { $0.token == 0 })
    #expect(found.count == 50)
  }

  @Test("top-n-sigma keeps logits near the highest, whatever the temperature")
  func sigma() {
    agrees { $0.topNSigma = 1 }
    agrees { ($0.topNSigma, $0.topK, $0.topP) = (1.5, 20, 0.9) }
    let logits = Tensor(Self.rows[2], shape: [900])
    let kept = [Float(0.3), 1, 3].map { temperature in
      var settings = SamplingSettings()
      (settings.topNSigma, settings.temperature) = (1, temperature)
      return Sampler(settings).distribution(logits).map(\.token)
    }
    #expect(kept[0] == kept[1] && kept[1] == kept[2])
  }

  @Test("XTC strikes out all but the least likely of the top tokens")
  func xtc() {
    func settings(_ settings: inout SamplingSettings) {
      (settings.xtcProbability, settings.xtcThreshold) = (1, 0.05)
    }
    agrees(settings, strikes: true)
    agrees(
      {
        settings(&$0)
        ($0.topK, $0.temperature, $0.temperaturePlace) = (12, 0.8, .last)
      }, strikes: true)
    agrees { ($0.xtcProbability, $0.xtcThreshold) = (1, 0.6) }
  }

  @Test("XTC acts as often as asked, by number i of the seed")
  func xtcChance() {
    // Softmax 0.5, 0.3, 0.2: struck, only the last is left.
    let logits = Tensor([0.5, 0.3, 0.2].map { logarithm($0) }, shape: [3])
    var settings = SamplingSettings()
    (settings.xtcProbability, settings.xtcThreshold) = (0.4, 0.1)
    var sampler = Sampler(settings)
    let total = 20_000.0
    var firsts = 0.0
    for _ in 0..<Int(total) where sampler.next(logits) == 0 { firsts += 1 }
    let expected = 0.6 * 0.5
    #expect(abs(firsts / total - expected) < 5 * (expected * (1 - expected) / total).squareRoot())
  }

  @Test("dynamic temperature follows the entropy")
  func dynamicTemperature() {
    for place in SamplingSettings.TemperaturePlace.allCases {
      agrees {
        ($0.dynamicTemperature, $0.temperature, $0.temperaturePlace) = (0.5, 0.9, place)
        $0.topK = 25
      }
      agrees {
        ($0.dynamicTemperature, $0.dynamicTemperatureExponent) = (1.2, 2)
        $0.temperaturePlace = place
      }
    }
  }

  @Test(
    "mirostat holds the mean information of a token near its target", arguments: [Float(1.5), 3])
  func mirostat(target: Float) {
    let logits = Tensor(Self.rows[2], shape: [900])
    var settings = SamplingSettings()
    settings.mirostat = Mirostat()
    settings.mirostat?.target = target
    var sampler = Sampler(settings)
    // Information within what the bound left, as the method's update sees it.
    var bits = 0.0
    let (warmUp, total) = (200, 2000)
    for step in 0..<warmUp + total {
      let choices = sampler.distribution(logits)
      let token = sampler.next(logits)
      let p = choices.first { $0.token == token }!.probability
      if step >= warmUp { bits -= Double(logarithm(Float(p))) / 0.693147 }
    }
    #expect(abs(bits / Double(total) - Double(target)) < 0.15)
  }

  @Test("a mask leaves the distribution among the allowed tokens alone")
  func masked() {
    let logits = Self.rows[1]
    var mask = TokenMask(allowsAll: false, vocabulary: 60)
    for token in stride(from: Int32(0), to: 60, by: 7) { mask[token] = true }
    let masked = logits.indices.map { mask[Int32($0)] ? logits[$0] : -.infinity }
    for topP in [Float(1), 0.8] {
      var settings = SamplingSettings()
      settings.topP = topP
      let expected = SamplerReference(settings: settings).probabilities(masked)
      let found = Sampler(settings).distribution(Tensor(logits, shape: [60]), mask: mask)
      #expect(Set(found.map(\.token)) == Set(expected.keys))
    }
    var sampler = Sampler(.greedy)
    let best = logits.indices.filter { mask[Int32($0)] }.max { logits[$0] < logits[$1] }!
    #expect(sampler.next(Tensor(logits, shape: [60]), mask: mask) == Int32(best))
    // Only an allowed token comes even where the logits are no numbers.
    let broken = Tensor(repeating: .nan, shape: [60])
    #expect(mask[sampler.next(broken, mask: mask)])
  }
}

@Suite("Sampler draws")
struct SamplerDrawTests {
  private static let changes: [@Sendable (inout SamplingSettings) -> Void] = [
    { $0.topK = 9 }, { $0.topP = 0.8 }, { $0.minP = 0.1 }, { $0.typicalP = 0.7 },
    { $0.topNSigma = 1.5 }, { ($0.temperature, $0.temperaturePlace, $0.topP) = (1.5, .last, 0.8) },
    { ($0.dynamicTemperature, $0.topK) = (0.5, 12) }, { ($0.topK, $0.logitBias) = (9, [3: 2]) },
    { ($0.topK, $0.xtcProbability, $0.xtcThreshold) = (9, 1, 0.15) },
  ]

  @Test("draws of every sampler follow its distribution (chi-square)", arguments: 0..<9)
  func chiSquare(number: Int) {
    var settings = SamplingSettings()
    settings.seed = 100 + UInt64(number)
    Self.changes[number](&settings)
    let logits = Tensor((0..<40).map { Float(($0 * 17) % 40) / 12 }, shape: [40])
    var sampler = Sampler(settings)
    let expected = sampler.distribution(logits)
    var counts: [Int32: Double] = [:]
    let total = 4000.0
    for _ in 0..<Int(total) { counts[sampler.next(logits), default: 0] += 1 }
    #expect(Set(counts.keys).isSubset(of: Set(expected.map(\.token))))
    let chiSquare = expected.reduce(0.0) { sum, choice in
      let (mean, found) = (choice.probability * total, counts[choice.token] ?? 0)
      return sum + (found - mean) * (found - mean) / mean
    }
    // Mean k, deviation √2k with k degrees of freedom: beyond 5 deviations is no chance.
    let freedom = Double(expected.count - 1)
    #expect(chiSquare < freedom + 5 * (2 * freedom).squareRoot() + 5)
  }

  @Test("every sampler draws the same tokens with any number of threads")
  func threads() {
    let logits = (0..<4).map {
      Tensor.normal([30_000], deviation: 2, seed: 8, stream: $0).sliced(axis: 0, 2..<30_000)
    }
    for change in Self.changes + [{ _ in }, { $0.mirostat = Mirostat() }] {
      var settings = SamplingSettings()
      change(&settings)
      let texts = [1, 2, 3].map { threads in
        ComputePool.$current.withValue(ComputePool(threads: threads)) {
          var sampler = Sampler(settings)
          return logits.map { sampler.next($0) }
        }
      }
      #expect(texts[0] == texts[1] && texts[1] == texts[2])
    }
  }
}
