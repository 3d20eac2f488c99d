import PrimerGeneration
import PrimerTensors
import PrimerTokenizers
import Testing

/// One of a few token sequences.
private final class OneOf: TokenConstraint {
  private var left: [[Int32]]
  private let vocabulary: Int
  private var place = 0

  init(_ texts: [[Int32]], vocabulary: Int) {
    left = texts
    self.vocabulary = vocabulary
  }

  func mask() -> TokenMask {
    var mask = TokenMask(allowsAll: false, vocabulary: vocabulary)
    for text in left where text.count > place { mask[text[place]] = true }
    return mask
  }

  func accept(_ token: Int32) -> Bool {
    let fitting = left.filter { $0.count > place && $0[place] == token }
    guard !fitting.isEmpty else { return false }
    (left, place) = (fitting, place + 1)
    return true
  }

  var isComplete: Bool { left.contains { $0.count == place } }

  func fork() -> any TokenConstraint {
    let copy = OneOf(left, vocabulary: vocabulary)
    copy.place = place
    return copy
  }
}

@Suite("Token constraints")
struct ConstraintTests {
  private static let texts: [[Int32]] = [[1, 2, 3], [1, 4], [6, 6, 6, 6], [7]]

  private func constraint(_ generator: TextGenerator, _ texts: [[Int32]] = texts) -> OneOf {
    OneOf(texts, vocabulary: generator.tokenizer.vocabularySize)
  }

  @Test("a mask knows its bits, and has none beyond its vocabulary")
  func mask() {
    var mask = TokenMask(allowsAll: true, vocabulary: 70)
    #expect(mask.count == 70 && mask[69] && !mask[70] && !mask[-1])
    mask[64] = false
    #expect(mask.count == 69 && !mask[64])
    var none = TokenMask(words: [0, .max], vocabulary: 70)
    #expect(none.count == 6)
    none.formIntersection(TokenMask(allowsAll: false, vocabulary: 70))
    #expect(none.isEmpty)
  }

  @Test("every text fits the constraint and ends where it may", arguments: 1..<6)
  func fits(seed: UInt64) throws {
    let generator = try TinyModels.generator(seed: seed, endTokens: [5])
    for greedy in [true, false] {
      var options = GenerationOptions(maxTokens: 10, sampling: greedy ? .greedy : .init())
      options.sampling.seed = seed
      let plain = try generator.generate([1], options, constraint: constraint(generator))
      let body = plain.tokens.last == 5 ? Array(plain.tokens.dropLast()) : plain.tokens
      #expect(Self.texts.contains(body) && plain.finishReason == .stop)
      options.speculation = Speculation(.model(generator))
      options.speculation?.stopsWhereItLoses = false
      let guessed = try generator.generate([1], options, constraint: constraint(generator))
      #expect(guessed.tokens == plain.tokens)
    }
  }

  @Test("the end comes only where the text is complete")
  func end() throws {
    let generator = try TinyModels.generator(endTokens: [5])
    // Nothing but the end is wanted, and still the one text comes first.
    var options = GenerationOptions(maxTokens: 10)
    options.sampling.logitBias = [5: 1000]
    let only = constraint(generator, [[6, 6, 6, 6]])
    #expect(try generator.generate([1], options, constraint: only).tokens == [6, 6, 6, 6, 5])
  }

  @Test("without a token that ends texts, a complete text ends by itself")
  func noEnd() throws {
    let generator = try TinyModels.generator()
    let result = try generator.generate(
      [1], GenerationOptions(maxTokens: 10), constraint: constraint(generator, [[3, 2, 1]]))
    #expect(result.tokens == [3, 2, 1] && result.finishReason == .stop)
  }

  @Test("a constraint that allows nothing is an error that says where")
  func deadEnd() throws {
    let generator = try TinyModels.generator(endTokens: [5])
    #expect(throws: GenerationError.deadEnd(afterTokens: 0)) {
      try generator.generate(
        [1], GenerationOptions(maxTokens: 3), constraint: constraint(generator, []))
    }
  }

  @Test("beams and contrastive searches keep to the constraint")
  func searches() throws {
    let generator = try TinyModels.generator(endTokens: [5])
    var beams = BeamOptions()
    (beams.maxTokens, beams.beams) = (8, 4)
    let own = constraint(generator)
    let found = try generator.beamSearch([1], beams, constraint: own)
    #expect(own.isComplete == false)
    for text in found {
      #expect(Self.texts.contains(Array(text.tokens.dropLast())) && text.tokens.last == 5)
    }
    let contrastive = try generator.contrastiveSearch(
      [1], GenerationOptions(maxTokens: 8), ContrastiveOptions(), constraint: constraint(generator))
    #expect(Self.texts.contains(contrastive.tokens.filter { $0 != 5 }))
  }
}
