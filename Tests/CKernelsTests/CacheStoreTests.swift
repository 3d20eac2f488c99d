import CKernels
import Foundation
import Testing

@Suite("Storing keys and values")
struct CacheStoreTests {
  private typealias Part = CachedAttentionProblem.Part

  @Test(
    "pages hold the same bytes however tokens are stored, and nothing beside them changes",
    arguments: availableLevels, CachedAttentionTests.types)
  func order(level: primer_isa, type: primer_cache_type) throws {
    let pool = try #require(primer_pool_create(3))
    defer { primer_pool_destroy(pool) }
    for shape in CachedAttentionTests.shapes(type) {
      let whole = CachedAttentionProblem(shape, lengths: [70, 33], in: GuardedMemory())
      let memory = GuardedMemory()
      let single = CachedAttentionProblem(shape, lengths: [70, 33], in: memory)
      atLevel(level) {
        whole.store(whole.whole, pool)
        for token in (0..<70).reversed() {
          single.store([Part(sequence: 0, tokens: token..<token + 1)])
          guard token < 33 else { continue }
          single.store([Part(sequence: 1, tokens: token..<token + 1)])
        }
      }
      #expect(single.stored == whole.stored, "\(shape)")
      #expect(memory.guardsHold)
    }
  }

  @Test("pages hold the same bytes at every level", arguments: CachedAttentionTests.types)
  func levels(type: primer_cache_type) {
    let found = availableLevels.map { level in
      let shape = CacheShape(type: type, groups: 1, headWidth: 72)
      let problem = CachedAttentionProblem(shape, lengths: [100], in: GuardedMemory())
      for (i, x) in [Float.infinity, 70000, 65504, 1e-7, 6e-5, -3e-8, Float(bitPattern: 71_362), 0]
        .enumerated()
      {
        problem.key(0, i)[i] = x
        problem.value(0, i)[i] = -x
      }
      return atLevel(level) {
        problem.store(problem.whole)
        return problem.stored
      }
    }
    #expect(found.allSatisfy { $0 == found[0] })
  }

  @Test(
    "a value comes back with the error of its type at most",
    arguments: availableLevels, CachedAttentionTests.types)
  func roundTrip(level: primer_isa, type: primer_cache_type) {
    // With a window of 1 a token sees itself alone: its output is its stored value.
    let shape = CacheShape(type: type, groups: 1, headWidth: 64, window: 1)
    let problem = CachedAttentionProblem(shape, lengths: [90], in: GuardedMemory())
    for token in 0..<90 {
      let size = Float(sign: .plus, exponent: token % 20 - 10, significand: 1)
      for c in 0..<64 { problem.value(0, token)[c] *= token == 7 ? 0 : size }
    }
    atLevel(level) {
      problem.store(problem.whole)
      problem.attend(problem.whole)
    }
    for token in 0..<90 {
      let values = array(problem.value(0, token), 64)
      let largest = values.map(abs).max()!
      for (x, y) in zip(values, problem.output[token * 64..<(token + 1) * 64]) {
        switch type {
        case PRIMER_CACHE_F32: #expect(x == y)
        case PRIMER_CACHE_F16: #expect(Float(Float16(x)) == y)
        // Half a step, and the rounding of the scale.
        default: #expect(abs(x - y) <= largest / 254 * 1.00001)
        }
      }
    }
  }

  @Test("numbers beyond a half become its largest", arguments: availableLevels)
  func saturates(level: primer_isa) {
    let shape = CacheShape(groups: 1, headWidth: 8, window: 1)
    let problem = CachedAttentionProblem(shape, lengths: [1], in: GuardedMemory())
    let values: [Float] = [1e6, -1e6, .infinity, -.infinity, 65504, 65519, 65520, 1]
    for (c, x) in values.enumerated() { problem.value(0, 0)[c] = x }
    atLevel(level) {
      problem.store(problem.whole)
      problem.attend(problem.whole)
    }
    #expect(problem.output == [65504, -65504, 65504, -65504, 65504, 65504, 65504, 1])
  }

  @Test(
    "a key or value that is not a number makes NaN of the rows that see it, and of no others",
    arguments: availableLevels, CachedAttentionTests.types)
  func notNumbers(level: primer_isa, type: primer_cache_type) {
    let shape = CacheShape(type: type, heads: 3, groups: 1, headWidth: 32, window: 20)
    for isKey in [true, false] {
      let problem = CachedAttentionProblem(shape, lengths: [100], in: GuardedMemory())
      func rows() -> [Float] {
        atLevel(level) {
          problem.store(problem.whole)
          problem.attend(problem.whole)
        }
        return problem.output
      }
      let before = rows()
      (isKey ? problem.key(0, 41) : problem.value(0, 41))[5] = .nan
      let after = rows()
      for token in 0..<100 {
        let row = token * 96..<(token + 1) * 96
        if (41..<61).contains(token) {
          #expect(after[row].allSatisfy { $0.isNaN })
        } else {
          #expect(sameBytes(Array(after[row]), Array(before[row])), "token \(token)")
        }
      }
    }
  }

  @Test("a call without new tokens does nothing")
  func nothing() {
    let shape = CacheShape(headWidth: 16)
    let problem = CachedAttentionProblem(shape, lengths: [40], in: GuardedMemory())
    let before = (problem.stored, problem.output)
    for parts in [[], [Part(sequence: 0, tokens: 7..<7)]] {
      problem.store(parts)
      problem.attend(parts)
    }
    #expect(problem.stored == before.0)
    #expect(sameBytes(problem.output, before.1))
  }
}
