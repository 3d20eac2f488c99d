import CKernels
import Foundation
import TestSupport
import Testing

/// Columns that weights of this type can have, of real models.
private func realWidths(_ type: primer_weight_type) -> [Int] {
  primer_weight_block_elements(type) == 256 ? [768, 1536, 2048] : [576, 640, 960, 1536, 2048]
}

/// A product cut into other products of the same numbers: each matrix by itself, its rows in two parts. Gated ones stay together.
private func runInPieces(_ pool: OpaquePointer?, _ whole: primer_weight_product, cut: Int64) {
  let matrices = [whole.matrices.0, whole.matrices.1, whole.matrices.2].prefix(Int(whole.count))
  func part(_ matrix: primer_weight_matrix, _ rows: Range<Int64>) -> primer_weight_matrix {
    let rowBytes =
      whole.columns / primer_weight_block_elements(matrix.type)
      * primer_weight_block_bytes(matrix.type)
    var part = matrix
    part.data = matrix.data + Int(rows.lowerBound * rowBytes)
    part.rows = Int64(rows.count)
    part.out += Int(rows.lowerBound)
    part.bias = matrix.bias.map { $0 + Int(rows.lowerBound) }
    part.residual = matrix.residual.map { $0 + Int(rows.lowerBound) }
    return part
  }
  for group in whole.gated ? [Array(matrices)] : matrices.map({ [$0] }) {
    let rows = group[0].rows
    let middle = min(cut, rows)
    for range in [0..<middle, middle..<rows] where !range.isEmpty {
      var product = whole
      product.count = Int32(group.count)
      product.matrices.0 = part(group[0], range)
      if group.count > 1 { product.matrices.1 = part(group[1], range) }
      primer_weight_product_run(pool, &product)
    }
  }
}

@Suite("Products of served weights")
struct WeightServingTests {
  private static let heights = [1, 5, 16, 31, 32, 33, 48, 63, 64, 65, 96, 100, 129, 192, 200]

  /// A single matrix, a head, queries with keys and values, or a gated pair.
  private func problem(_ type: primer_weight_type, _ random: inout SplitMix) -> WeightProblem {
    let kind = Int.random(in: 0..<4, using: &random)
    let rows = Self.heights.randomElement(using: &random)!
    let other = weightTypes.filter {
      primer_weight_block_elements($0) <= max(32, primer_weight_block_elements(type))
    }.randomElement(using: &random)!
    let few = Self.heights.randomElement(using: &random)!
    let matrices =
      switch kind {
      case 0: [(type, rows)]
      case 1: [(type, 4099)]
      case 2: [(type, rows), (other, few), (type, few)]
      default: [(type, rows), (type, rows)]
      }
    let width = kind == 1 ? 256 : realWidths(type).randomElement(using: &random)!
    let problem = WeightProblem(
      tokens: kind == 1 ? 12 : 70, columns: width, matrices: matrices, gated: kind == 3,
      activation: kind == 2 ? 0 : .random(in: 0..<9, using: &random), terms: random.next(),
      distinctRows: 11, seed: random.next())
    // Tokens whose numbers are large, tiny and zero stand among the others.
    let x = UnsafeMutablePointer(mutating: problem.product.x!)
    for (token, scale) in [(3, 3e4), (5, 1e-6), (6, 0), (9, 1e-38)] as [(Int, Float)] {
      for c in 0..<width { x[token * Int(problem.product.x_stride) + c] *= scale }
    }
    return problem
  }

  @Test(
    "give a token the bytes that it has alone, in any batch, on any threads, in any pieces",
    arguments: availableLevels)
  func trials(level: primer_isa) {
    let pools = [2, 3, 5].map { primer_pool_create($0) } + [nil]
    defer { for pool in pools { primer_pool_destroy(pool) } }
    let seed = FuzzTime.seed(31)
    var random = SplitMix(state: seed)
    let deadline = FuzzTime.deadline
    var round = 0
    while round < 3 * weightTypes.count || ContinuousClock.now < deadline {
      let type = weightTypes[round % weightTypes.count]
      let problem = problem(type, &random)
      let tokens = Int(problem.product.tokens)
      let alone = (0..<tokens).map { token in
        atLevel(level) {
          problem.outcome(tokens: token..<token + 1) { primer_weight_product_run(nil, &$0) }
        }
      }
      // `outcome` has a matrix after another, each with all tokens.
      let heights = (0..<(problem.product.gated ? 1 : Int(problem.product.count)))
        .map { Int(problem[$0].rows) }
      for trial in 0..<24 {
        let count = Int.random(
          in: 1...(trial % 3 == 0 ? tokens : trial % 3 == 1 ? 6 : 13), using: &random)
        let first = Int.random(in: 0...tokens - min(count, tokens), using: &random)
        let range = first..<min(first + count, tokens)
        let pool = pools.randomElement(using: &random)!
        let cut = Int64.random(in: 0...100, using: &random)
        let found = atLevel(level) {
          problem.outcome(tokens: range) {
            if trial % 4 == 3 {
              runInPieces(pool, $0, cut: cut)
            } else {
              primer_weight_product_run(pool, &$0)
            }
          }
        }
        var expected: [Float] = []
        var row = 0
        for height in heights {
          for token in range { expected += alone[token][row..<row + height] }
          row += height
        }
        let shape = "\(heights) rows of \(problem.product.columns)"
        #expect(
          sameBytes(found, expected),
          "seed \(seed), round \(round), trial \(trial): \(type), \(shape), tokens \(range)")
      }
      #expect(problem.guardsHold)
      round += 1
    }
  }

  @Test("do not depend on what was multiplied before, nor on whether it still exists")
  func successors() throws {
    let pool = try #require(primer_pool_create(3))
    defer { primer_pool_destroy(pool) }
    let types = [PRIMER_WEIGHT_Q4_0, PRIMER_WEIGHT_Q4_K, PRIMER_WEIGHT_F16, PRIMER_WEIGHT_Q8_0]
    for isGated in [false, true] {
      let problems = types.map {
        WeightProblem(
          tokens: 2, columns: 512, matrices: Array(repeating: ($0, 300), count: isGated ? 2 : 1),
          gated: isGated, distinctRows: 20, seed: 8)
      }
      let expected = problems.map { $0.outcome { primer_weight_product_run(nil, &$0) } }
      // Memory that faults when it is read after its time.
      let bytes = 1 << 20
      for round in 0..<40 {
        let memory = try #require(
          mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
        try #require(memory != MAP_FAILED)
        let kept = problems[round % 4]
        let held = (0..<Int(kept.product.count)).map { kept[$0].data }
        for i in held.indices {
          let size =
            300 * 512 / Int(primer_weight_block_elements(kept[i].type))
            * Int(primer_weight_block_bytes(kept[i].type))
          let copy = memory + i * (bytes / 2)
          copy.copyMemory(from: held[i]!, byteCount: size)
          kept[i].data = UnsafeRawPointer(copy)
        }
        // Twice, so that each is known as another's successor.
        for turn in 0..<8 {
          let found = problems[turn % 4].outcome { primer_weight_product_run(pool, &$0) }
          #expect(sameBytes(found, expected[turn % 4]), "round \(round), turn \(turn)")
        }
        for i in held.indices { kept[i].data = held[i] }
        munmap(memory, bytes)
        let before = problems[(round + 3) % 4].outcome { primer_weight_product_run(pool, &$0) }
        #expect(sameBytes(before, expected[(round + 3) % 4]))
      }
    }
  }

  @Test("are the same when more of them follow one another than are remembered")
  func manySuccessors() throws {
    let pool = try #require(primer_pool_create(2))
    defer { primer_pool_destroy(pool) }
    let problem = WeightProblem(
      tokens: 1, columns: 32, matrices: [(PRIMER_WEIGHT_Q8_0, 6000)], distinctRows: 5, seed: 9)
    let whole = problem.outcome { primer_weight_product_run(nil, &$0) }
    let rowBytes = Int(primer_weight_block_bytes(PRIMER_WEIGHT_Q8_0))
    for turn in 0..<2 {
      let parts = problem.outcome { product in
        for first in 0..<3000 {
          var part = product
          part.matrices.0.data += 2 * first * rowBytes
          part.matrices.0.out += 2 * first
          part.matrices.0.rows = 2
          primer_weight_product_run(pool, &part)
        }
      }
      #expect(sameBytes(parts, whole), "turn \(turn)")
    }
  }
}
