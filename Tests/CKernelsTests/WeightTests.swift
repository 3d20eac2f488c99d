import CKernels
import TestSupport
import Testing

@Suite("Products with stored weights")
struct WeightTests {
  /// Columns that are whole blocks of both types.
  private func columns(
    _ blocks: Int, _ types: [primer_weight_type]
  ) -> Int {
    let block = types.map { Int(primer_weight_block_elements($0)) }.max() ?? 1
    return block * (block == 256 ? min(blocks, 4) : block == 1 ? 16 * blocks - blocks % 3 : blocks)
  }

  @Test("equal the definition in every format, with every epilogue", arguments: availableLevels)
  func randomised(level: primer_isa) throws {
    let pool = try #require(primer_pool_create(3))
    defer { primer_pool_destroy(pool) }
    var random = SplitMix(state: 1)
    for round in 0..<70 {
      let types = [
        weightTypes[round % weightTypes.count], weightTypes.randomElement(using: &random)!,
      ]
      let isGated = round % 3 == 0
      let rows = Int.random(in: 1...70, using: &random)
      var matrices = [(types[0], rows), (types[1], isGated ? rows : rows / 2 + 1), (types[0], 33)]
      matrices.removeLast(isGated ? 1 : round % 2 == 0 ? 2 : 0)
      // f16 may stand beside blocks only where columns are whole blocks of 32.
      let width = columns(.random(in: 1...9, using: &random), matrices.map(\.0))
      let problem = WeightProblem(
        tokens: .random(in: 1...(round % 4 == 0 ? 40 : 7), using: &random), columns: width,
        matrices: matrices, gated: isGated, activation: round % 9, terms: random.next(),
        seed: random.next())
      let expected = problem.outcome { primer_weight_product_reference(&$0) }.map(Double.init)
      let found = atLevel(level) {
        problem.outcome { primer_weight_product_run(round % 2 == 0 ? pool : nil, &$0) }
      }
      // Rounding of sums of up to 1,024 products around 1, twice multiplied where gated.
      #expect(difference(found, expected) < 2e-4, "round \(round): \(matrices)")
      #expect(problem.guardsHold)
    }
  }

  @Test(
    "give the same bits for any number of tokens and threads and any chunks",
    arguments: availableLevels)
  func sameBits(level: primer_isa) throws {
    let pools = [nil, primer_pool_create(2), primer_pool_create(3)]
    defer { for pool in pools { primer_pool_destroy(pool) } }
    var random = SplitMix(state: 2)
    for round in 0..<56 {
      let type = weightTypes[round % weightTypes.count]
      let isGated = round % 3 == 1
      let tokens = Int.random(in: 1...70, using: &random)
      let rows = Int.random(in: 1...100, using: &random)
      let problem = WeightProblem(
        tokens: tokens, columns: columns(.random(in: 1...12, using: &random), [type]),
        matrices: Array(repeating: (type, rows), count: isGated ? 2 : 1), gated: isGated,
        activation: round % 9, terms: random.next(), seed: random.next())
      let whole = atLevel(level) {
        problem.outcome { primer_weight_product_run(pools[round % 3], &$0) }
      }
      var parts: [Float] = []
      var token = 0
      while token < tokens {
        let end = min(tokens, token + Int.random(in: 1...(token % 2 == 0 ? 5 : 30), using: &random))
        parts += atLevel(level) {
          problem.outcome(tokens: token..<end) {
            primer_weight_product_run(pools[token % 3], &$0)
          }
        }
        token = end
      }
      #expect(sameBytes(whole, parts), "round \(round): \(type), \(rows) rows, \(tokens) tokens")
    }
  }

  @Test("equal the definition on shapes of real models", arguments: availableLevels)
  func realShapes(level: primer_isa) throws {
    let pool = try #require(primer_pool_create(2))
    defer { primer_pool_destroy(pool) }
    let shapes: [(Int, Int, primer_weight_type)] = [
      (576, 1536, PRIMER_WEIGHT_Q5_0), (1536, 576, PRIMER_WEIGHT_Q4_0),
      (192, 576, PRIMER_WEIGHT_Q8_0), (640, 2048, PRIMER_WEIGHT_Q4_K),
      (256, 2048, PRIMER_WEIGHT_Q6_K), (2048, 640, PRIMER_WEIGHT_Q4_1),
      (96, 2048, PRIMER_WEIGHT_F16),
    ]
    for (rows, columns, type) in shapes {
      for tokens in [1, 11] {
        let problem = WeightProblem(
          tokens: tokens, columns: columns, matrices: [(type, rows)], terms: 3, seed: 5)
        let expected = problem.outcome { primer_weight_product_reference(&$0) }.map(Double.init)
        let found = atLevel(level) { problem.outcome { primer_weight_product_run(pool, &$0) } }
        #expect(difference(found, expected) < 3e-4, "\(rows) x \(columns) \(type)")
      }
    }
  }

  @Test("add into the residual where it lies", arguments: availableLevels)
  func residualInPlace(level: primer_isa) {
    let problem = WeightProblem(
      tokens: 9, columns: 64, matrices: [(PRIMER_WEIGHT_Q8_0, 45)], seed: 6)
    let before = (0..<9).flatMap {
      array(problem[0].out + $0 * Int(problem[0].out_stride), 45)
    }
    problem[0].residual = UnsafePointer(problem[0].out)
    let sums = atLevel(level) { problem.outcome { primer_weight_product_run(nil, &$0) } }
    problem[0].residual = nil
    let plain = atLevel(level) { problem.outcome { primer_weight_product_run(nil, &$0) } }
    #expect(sums == zip(plain, before).map { $0 + $1 })
  }

  @Test(
    "carry NaN and infinity, and take a row of zeros or of tiny numbers", arguments: availableLevels
  )
  func specialValues(level: primer_isa) {
    let problem = WeightProblem(
      tokens: 5, columns: 96, matrices: [(PRIMER_WEIGHT_Q4_0, 40)], seed: 7)
    let x = UnsafeMutablePointer(mutating: problem.product.x!)
    let stride = Int(problem.product.x_stride)
    for c in 0..<96 {
      x[2 * stride + c] = 0
      x[3 * stride + c] = .leastNonzeroMagnitude
    }
    x[40] = .nan
    x[stride + 70] = .infinity
    let found = atLevel(level) { problem.outcome { primer_weight_product_run(nil, &$0) } }
    #expect(found[0..<80].allSatisfy { !$0.isFinite })
    #expect(found[80..<120].allSatisfy { $0 == 0 })
    #expect(found[120..<160].allSatisfy { abs($0) < 1e-30 })
    #expect(found[160...].allSatisfy { $0.isFinite })
  }
}
