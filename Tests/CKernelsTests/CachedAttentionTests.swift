import CKernels
import Foundation
import Testing

@Suite("Attention over a paged cache")
struct CachedAttentionTests {
  private typealias Part = CachedAttentionProblem.Part
  static let types = [PRIMER_CACHE_F16, PRIMER_CACHE_INT8, PRIMER_CACHE_F32]

  /// Every kind of head, width, mask and group that the kernels treat apart.
  static func shapes(_ type: primer_cache_type) -> [CacheShape] {
    [
      CacheShape(type: type, heads: 9, groups: 3, headWidth: 64),
      CacheShape(type: type, heads: 4, groups: 1, headWidth: 256, window: 40),
      CacheShape(type: type, heads: 2, groups: 2, headWidth: 32, softCap: 1.5),
      CacheShape(type: type, heads: 8, groups: 1, headWidth: 80, window: 1),
      CacheShape(type: type, heads: 10, groups: 2, headWidth: 96, window: 150, softCap: 3),
      CacheShape(type: type, heads: 2, groups: 1, headWidth: 128, window: 128),
      CacheShape(type: type, heads: 7, groups: 1, headWidth: 8),
      CacheShape(type: type, heads: 13, groups: 1, headWidth: 6, window: 33),
      CacheShape(type: type, heads: 6, groups: 3, headWidth: 2, scale: 30),
    ]
  }

  /// Around pages and segments, and one long enough for several segments.
  private static let lengths = [1, 31, 32, 33, 128, 129, 0, 300]

  @Test(
    "agrees with the definition, from the numbers that the cache holds",
    arguments: availableLevels, types)
  func agrees(level: primer_isa, type: primer_cache_type) {
    for (index, shape) in Self.shapes(type).enumerated() {
      var expected: [Float] = []
      let found = outcome(at: level, seed: UInt64(index)) { pool, memory in
        let problem = CachedAttentionProblem(shape, lengths: Self.lengths, in: memory)
        problem.store(problem.whole, pool)
        if pool == nil {
          problem.attendPlainly(problem.whole)
          expected = problem.output
        }
        problem.attend(problem.whole, pool)
        return problem.output
      }
      // Sums of up to 300 products and exponentials; a score of 30 has an error of 2e-6 before it is exponentiated.
      #expect(difference(found, expected.map(Double.init)) < 2e-5, "\(shape)")
    }
  }

  @Test(
    "agrees with attention without a cache as far as the cache's type is exact",
    arguments: availableLevels, types)
  func agreesWithoutCache(level: primer_isa, type: primer_cache_type) {
    for shape in Self.shapes(type) where shape.scale == 2 {
      let problem = CachedAttentionProblem(shape, lengths: [70, 5], in: GuardedMemory())
      atLevel(level) {
        problem.store(problem.whole)
        problem.attend(problem.whole)
      }
      let found = problem.output
      let expected = [0, 1].flatMap { problem.outputWithoutCache($0) }.map(Double.init)
      // Of numbers up to 1, f16 loses up to 2^-12, int8 1/254: in each value, and in each score.
      let tolerance = type == PRIMER_CACHE_F32 ? 2e-5 : type == PRIMER_CACHE_F16 ? 1e-3 : 1e-2
      #expect(difference(found, expected) < tolerance, "\(shape)")
    }
  }

  @Test(
    "a row has the same bytes alone, in any mixture and chunk, on any pages and threads",
    arguments: availableLevels, types)
  func mixtures(level: primer_isa, type: primer_cache_type) {
    for (index, shape) in Self.shapes(type).enumerated() {
      let lengths = [150, 40, 1, 290]
      let alone = CachedAttentionProblem(shape, lengths: lengths, in: GuardedMemory(seed: 5))
      atLevel(level) {
        for part in alone.whole {
          alone.store([part])
          alone.attend([part])
        }
      }
      for threads in [1, 2, 3] as [Int32] {
        let pool = primer_pool_create(threads)
        defer { primer_pool_destroy(pool) }
        let mixed = CachedAttentionProblem(
          shape, lengths: lengths, pageSeed: UInt64(threads), in: GuardedMemory(seed: 5))
        let chance = GuardedMemory(seed: UInt64(index * 3) + UInt64(threads))
        atLevel(level) {
          var ready = [0, 0, 0, 0]
          while ready != lengths {
            // A decoding step for some, a chunk of the prompt for others, nothing for the rest.
            let parts = lengths.indices.compactMap { sequence -> Part? in
              let left = lengths[sequence] - ready[sequence]
              let most = [0, 1, 1, 20, 140][chance.whole(0..<5)]
              guard left > 0, most > 0 else { return nil }
              let count = min(left, most == 1 ? 1 : chance.whole(1..<most))
              let first = ready[sequence]
              ready[sequence] += count
              return Part(sequence: sequence, tokens: first..<first + count)
            }
            mixed.store(parts, pool)
            mixed.attend(parts, pool)
          }
        }
        for sequence in lengths.indices {
          let same = sameBytes(mixed.output(sequence), alone.output(sequence))
          #expect(same, "\(shape), sequence \(sequence), \(threads) threads")
        }
      }
    }
  }

  @Test(
    "one sequence is decoded to the same bytes by any number of threads, however long",
    arguments: availableLevels, types)
  func decode(level: primer_isa, type: primer_cache_type) {
    for (heads, window, length) in [(4, 0, 1200), (4, 500, 1200), (30, 0, 700), (5, 0, 150)] {
      let shape = CacheShape(
        type: type, heads: heads, groups: 1, headWidth: 80, window: window)
      let last = [Part(sequence: 0, tokens: length - 1..<length)]
      let found = outcome(at: level) { pool, memory in
        let problem = CachedAttentionProblem(shape, lengths: [length], in: memory)
        problem.store(problem.whole, pool)
        problem.attend(last, pool)
        return Array(problem.output.suffix(heads * 80))
      }
      let reference = CachedAttentionProblem(shape, lengths: [length], in: GuardedMemory())
      atLevel(level) { reference.store(reference.whole) }
      reference.attendPlainly(last)
      // Sums of up to 1200 products and exponentials.
      let expected = reference.output.suffix(heads * 80).map(Double.init)
      #expect(difference(found, expected) < 2e-5)
    }
  }

  @Test(
    "a row depends on no key or value outside its window or after it", arguments: availableLevels)
  func unseen(level: primer_isa) {
    for type in Self.types {
      let shape = CacheShape(type: type, heads: 3, groups: 1, headWidth: 32, window: 50)
      let problem = CachedAttentionProblem(shape, lengths: [200], in: GuardedMemory())
      func rows() -> [Float] {
        atLevel(level) {
          problem.store(problem.whole)
          problem.attend(problem.whole)
        }
        return problem.output
      }
      let before = rows()
      for token in Array(0..<71) + Array(140..<200) {
        for c in 0..<32 {
          problem.key(0, token)[c] = 900
          problem.value(0, token)[c] = token % 2 == 0 ? 1e30 : -1e30
        }
      }
      let after = rows()
      #expect(sameBytes(Array(after[120 * 96..<140 * 96]), Array(before[120 * 96..<140 * 96])))
      #expect(after[119 * 96] != before[119 * 96])
      #expect(after[140 * 96] != before[140 * 96])
    }
  }
}
