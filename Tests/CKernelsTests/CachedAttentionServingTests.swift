import CKernels
import TestSupport
import Testing

@Suite("Attention of served sequences")
struct CachedAttentionServingTests {
  private typealias Part = CachedAttentionProblem.Part

  /// Heads of real models, with masks at the borders of pages and segments.
  private func shape(_ type: primer_cache_type, _ random: inout SplitMix) -> CacheShape {
    let (heads, groups, width) = [
      (9, 3, 64), (4, 1, 256), (12, 2, 128), (8, 8, 64), (32, 4, 64), (15, 5, 64), (6, 2, 80),
      (8, 2, 96), (16, 1, 64), (17, 1, 32),
    ].randomElement(using: &random)!
    return CacheShape(
      type: type, heads: heads, groups: groups, headWidth: width,
      window: [0, 0, 1, 31, 32, 33, 100, 127, 128, 129, 160].randomElement(using: &random)!,
      softCap: [0, 0, 1.5, 50].randomElement(using: &random)!)
  }

  /// Tokens of the next call: a step of decoding for some, a chunk of the prompt for others, nothing for the rest.
  private func nextParts(
    _ ready: [Int], of lengths: [Int], _ random: inout SplitMix
  ) -> [Part] {
    lengths.indices.shuffled(using: &random).compactMap { sequence in
      let left = lengths[sequence] - ready[sequence]
      let most = [0, 1, 1, 4, 31, 33, 70, 300].randomElement(using: &random)!
      guard left > 0, most > 0 else { return nil }
      let count = min(left, Int.random(in: 1...most, using: &random))
      return Part(sequence: sequence, tokens: ready[sequence]..<ready[sequence] + count)
    }
  }

  @Test(
    "give a token the bytes of decoding one by one, for any batch, chunks, pages and threads",
    arguments: availableLevels, CachedAttentionTests.types)
  func trials(level: primer_isa, type: primer_cache_type) {
    let pools = [2, 3, 5].map { primer_pool_create($0) } + [nil]
    defer { for pool in pools { primer_pool_destroy(pool) } }
    let seed = FuzzTime.seed(41)
    var random = SplitMix(state: seed)
    let deadline = FuzzTime.deadline
    var round = 0
    while round < 12 || ContinuousClock.now < deadline {
      let shape = shape(type, &random)
      let lengths = (0..<5).map { _ in
        [1, 5, 31, 32, 33, 64, 97, 127, 128, 129, 130, 200, 257].randomElement(using: &random)!
      }
      let memorySeed = random.next()
      let alone = CachedAttentionProblem(
        shape, lengths: lengths, in: GuardedMemory(seed: memorySeed))
      atLevel(level) {
        for (sequence, length) in lengths.enumerated() {
          for token in 0..<length {
            alone.store([Part(sequence: sequence, tokens: token..<token + 1)])
            alone.attend([Part(sequence: sequence, tokens: token..<token + 1)])
          }
        }
      }
      for _ in 0..<3 {
        let mixed = CachedAttentionProblem(
          shape, lengths: lengths, pageSeed: random.next(), in: GuardedMemory(seed: memorySeed))
        var ready = lengths.map { _ in 0 }
        while ready != lengths {
          let parts = nextParts(ready, of: lengths, &random)
          let pool = pools.randomElement(using: &random)!
          atLevel(level) {
            mixed.store(parts, pool)
            mixed.attend(parts, pool)
          }
          for part in parts { ready[part.sequence] = part.tokens.upperBound }
        }
        for sequence in lengths.indices {
          #expect(
            sameBytes(mixed.output(sequence), alone.output(sequence)),
            "seed \(seed), round \(round): \(shape), sequence \(sequence) of \(lengths)")
        }
      }
      round += 1
    }
  }
}
