import PrimerGeneration
import PrimerTensors
import Testing

@Suite("Penalties")
struct PenaltyTests {
  /// The logits that a sampler sees, from its probabilities: relative to the first token's.
  private func relative(_ sampler: Sampler, _ logits: [Float]) -> [Float] {
    let found = sampler.distribution(Tensor(logits, shape: [logits.count]))
    var values = [Float](repeating: -.infinity, count: logits.count)
    for choice in found { values[Int(choice.token)] = logarithm(Float(choice.probability)) }
    return values.map { $0 - values[0] }
  }

  private func close(_ a: [Float], _ b: [Float]) -> Bool {
    zip(a, b).allSatisfy { $0 == $1 || abs($0 - $1) < 1e-4 }
  }

  @Test("presence and frequency penalties count what was written, repetition the prompt too")
  func counts() {
    var settings = SamplingSettings()
    (settings.presencePenalty, settings.frequencyPenalty) = (0.5, 0.25)
    var sampler = Sampler(settings, prompt: [1, 1])
    for token in [2, 2, 3] { force(&sampler, token, of: 5) }
    #expect(close(relative(sampler, [0, 0, 0, 0, 0]), [0, 0, -1, -0.75, 0]))

    settings = SamplingSettings()
    settings.repetitionPenalty = 2
    sampler = Sampler(settings, prompt: [1])
    force(&sampler, 2, of: 5)
    #expect(close(relative(sampler, [0, 3, -1, 1, 1]), [0, 1.5, -2, 1, 1]))
  }

  /// Makes a sampler take a token.
  private func force(_ sampler: inout Sampler, _ token: Int, of vocabulary: Int) {
    var mask = TokenMask(allowsAll: false, vocabulary: vocabulary)
    mask[Int32(token)] = true
    _ = sampler.next(Tensor(repeating: 0, shape: [vocabulary]), mask: mask)
  }

  @Test("only the last tokens of the window count")
  func window() {
    var settings = SamplingSettings()
    (settings.frequencyPenalty, settings.penaltyWindow) = (1, 3)
    var sampler = Sampler(settings, prompt: [4])
    for token in [1, 1, 2, 1, 3] { force(&sampler, token, of: 5) }
    #expect(close(relative(sampler, [0, 0, 0, 0, 0]), [0, -1, -1, -1, 0]))
  }

  @Test("a bias is added, and an infinite one bans")
  func bias() {
    var settings = SamplingSettings()
    settings.logitBias = [1: 2, 2: -.infinity, 900: 5]
    #expect(close(relative(Sampler(settings), [0, 0, 9, 0]), [0, 2, -.infinity, 0]))
    settings.temperature = 0
    var sampler = Sampler(settings)
    #expect(sampler.next(Tensor([Float](arrayLiteral: 0, 0, 9, 0), shape: [4])) == 1)
  }

  @Test("DRY agrees with looking at every earlier place", arguments: 0..<20)
  func dry(seed: UInt64) {
    var random = RandomSource(seed: seed)
    let vocabulary = 4
    let text = (0..<60).map { _ in Int32.random(in: 0..<Int32(vocabulary), using: &random) }
    var settings = SamplingSettings()
    var dry = DryPenalty()
    (dry.multiplier, dry.base, dry.allowedLength, dry.breakers) = (0.01, 1.3, 2, [])
    dry.window = seed % 2 == 0 ? 0 : 25
    settings.dry = dry
    let window = dry.window == 0 ? text : Array(text.suffix(dry.window))
    var expected = [Float](repeating: 0, count: vocabulary)
    for token in 0..<Int32(vocabulary) {
      var longest = 0
      for place in 1..<window.count where window[place] == token {
        var length = 0
        while length < place, window[place - 1 - length] == window[window.count - 1 - length] {
          length += 1
        }
        longest = max(longest, length)
      }
      if longest >= 2 {
        expected[Int(token)] = -0.01 * Float((0..<longest - 2).reduce(1.0) { p, _ in p * 1.3 })
      }
    }
    let found = relative(Sampler(settings, prompt: text), [0, 0, 0, 0])
    #expect(close(found, expected.map { $0 - expected[0] }))
  }

  @Test("a repetition does not reach over a sequence breaker, however tokens cut it")
  func breakers() {
    let spelling: [[UInt8]] = ["a", "b", "c", "x", "y", "\n"].map { Array($0.utf8) }
    func penalty(_ text: [Int32], _ breakers: [String]) -> Float {
      var settings = SamplingSettings()
      var dry = DryPenalty()
      (dry.multiplier, dry.base, dry.breakers) = (1, 2, breakers)
      settings.dry = dry
      let sampler = Sampler(settings, prompt: text) { spelling[Int($0)] }
      // Token 3, x, is never repeated here.
      let found = relative(sampler, [0, 0, 0, 0, 0, 0])
      return found[3] - found[2]
    }
    // a b c ... a b: c would lengthen a repetition of 2, or of 4 with a b before.
    #expect(abs(penalty([0, 1, 2, 4, 0, 1], []) - 1) < 1e-4)
    #expect(abs(penalty([0, 1, 0, 1, 2, 4, 0, 1, 0, 1], []) - 4) < 1e-4)
    #expect(abs(penalty([0, 1, 5, 0, 1, 2, 4, 0, 1, 5, 0, 1], []) - 8) < 1e-4)
    #expect(abs(penalty([0, 1, 5, 0, 1, 2, 4, 0, 1, 5, 0, 1], ["\n"]) - 1) < 1e-4)
    // "ba" is spelled by two tokens.
    #expect(abs(penalty([0, 1, 0, 1, 2, 4, 0, 1, 0, 1], ["ba"])) < 1e-4)
    // A breaker itself is free.
    #expect(abs(penalty([0, 1, 2, 4, 0, 1], ["c"])) < 1e-4)
  }
}
