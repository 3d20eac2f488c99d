import CKernels
import TestSupport
import Testing

/// Largest difference, relative where values exceed 1.
private func difference(_ a: [[Float]], _ b: [[Float]]) -> Float {
  zip(a.joined(), b.joined()).map { abs($0 - $1) / max(1, abs($1)) }.reduce(0) {
    $1.isNaN ? .infinity : max($0, $1)
  }
}

@Suite("f32 matrix product")
struct MatmulTests {
  @Test("equals the definition on odd sizes, layouts and epilogues", arguments: availableLevels)
  func randomised(level: primer_isa) throws {
    let pool = try #require(primer_pool_create(3))
    defer { primer_pool_destroy(pool) }
    var random = SplitMix(state: 1)
    for round in 0..<300 {
      let problem = MatmulProblem(
        m: .random(in: 1...40, using: &random), n: .random(in: 1...70, using: &random),
        k: .random(in: 0...40, using: &random), batch: .random(in: 1...3, using: &random),
        transposedA: random.next() & 1 == 0, transposedB: random.next() & 1 == 0,
        seed: random.next())
      if round % 4 != 0 { problem.addEpilogue(random.next(), activation: round % 9) }
      let expected = problem.outcome { primer_matmul_f32_reference(&$0) }
      let found = atLevel(level) {
        problem.outcome { primer_matmul_f32(round % 2 == 0 ? pool : nil, &$0) }
      }
      // Rounding of sums of 40 products below 1.
      #expect(difference(found, expected) < 1e-5, "round \(round): \(problem.arguments)")
    }
  }

  @Test(
    "equals the definition beyond one block of each size",
    arguments: availableLevels,
    [(30, 300, 1100), (300, 40, 1030), (1, 700, 520), (5, 45, 2000), (1100, 17, 3)])
  func large(level: primer_isa, size: (Int, Int, Int)) throws {
    let pool = try #require(primer_pool_create(2))
    defer { primer_pool_destroy(pool) }
    for layout in 0..<4 {
      let problem = MatmulProblem(
        m: size.0, n: size.1, k: size.2, transposedA: layout & 1 != 0, transposedB: layout & 2 != 0,
        seed: UInt64(layout))
      problem.addEpilogue([0, 0b1000_0000, 0b1001_0111, 0b1010_0000][layout], activation: 1)
      let expected = problem.outcome { primer_matmul_f32_reference(&$0) }
      let found = atLevel(level) { problem.outcome { primer_matmul_f32(pool, &$0) } }
      // Rounding of sums of 2,000 products below 1.
      #expect(difference(found, expected) < 5e-5, "layout \(layout)")
    }
  }

  @Test("gives the same bits for a part of the rows and columns", arguments: availableLevels)
  func subset(level: primer_isa) throws {
    let pools = [nil, primer_pool_create(2), primer_pool_create(3)]
    defer { for pool in pools { primer_pool_destroy(pool) } }
    var random = SplitMix(state: 2)
    for round in 0..<100 {
      let problem = MatmulProblem(
        m: .random(in: 1...60, using: &random), n: .random(in: 1...90, using: &random),
        k: .random(in: 1...(round % 10 == 0 ? 1200 : 60), using: &random), batch: 2,
        transposedA: round & 1 != 0, transposedB: round & 2 != 0, seed: random.next())
      problem.addEpilogue(random.next() & 0b0101_1111, activation: round % 9)
      let whole = problem.arguments
      let full = atLevel(level) {
        problem.outcome { primer_matmul_f32(pools[round % 3], &$0) }
      }
      let row = Int64.random(in: 0..<whole.m, using: &random)
      let column = Int64.random(in: 0..<whole.n, using: &random)
      let offset = Int(row * whole.c_row_stride + column)
      let rows = Int64.random(in: 1...(whole.m - row), using: &random)
      let columns = Int64.random(in: 1...(whole.n - column), using: &random)
      let part = atLevel(level) {
        problem.outcome { part in
          (part.m, part.n) = (rows, columns)
          part.a += Int(row * whole.a_row_stride)
          part.b += Int(column * whole.b_column_stride)
          part.c += offset
          part.bias = whole.bias.map { $0 + Int(column) }
          part.preactivation = whole.preactivation.map { $0 + offset }
          part.derivative_at = whole.derivative_at.map { $0 + offset }
          part.residual = whole.residual.map { $0 + offset }
          primer_matmul_f32(pools[(round + 1) % 3], &part)
        }
      }
      let start = whole.c - problem.results[0].baseAddress! + offset
      for batch in 0..<whole.batch {
        for i in 0..<rows {
          let from = start + Int(batch * whole.c_batch_stride + i * whole.c_row_stride)
          let range = from..<from + Int(columns)
          #expect(full[0][range] == part[0][range], "round \(round), row \(i)")
        }
      }
    }
  }

  @Test("gives the same bits for any number of threads", arguments: availableLevels)
  func threads(level: primer_isa) throws {
    let problem = MatmulProblem(
      m: 150, n: 333, k: 700, transposedA: true, transposedB: false, seed: 3)
    problem.addEpilogue(0b1000_0011, activation: 0)
    let alone = atLevel(level) { problem.outcome { primer_matmul_f32(nil, &$0) } }
    for threads in 2...5 {
      let pool = try #require(primer_pool_create(Int32(threads)))
      defer { primer_pool_destroy(pool) }
      let together = atLevel(level) { problem.outcome { primer_matmul_f32(pool, &$0) } }
      #expect(together == alone)
    }
  }

  @Test("adds into C and carries NaN, as 0 · NaN demands", arguments: availableLevels)
  func notANumber(level: primer_isa) {
    let a: [Float] = [0, 1]
    let b: [Float] = [.nan, 2]
    var c: [Float] = [1]
    atLevel(level) {
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          c.withUnsafeMutableBufferPointer { c in
            var arguments = primer_matmul_arguments()
            (arguments.m, arguments.n, arguments.k, arguments.batch) = (1, 1, 2, 1)
            (arguments.a_row_stride, arguments.a_column_stride) = (2, 1)
            (arguments.b_row_stride, arguments.b_column_stride) = (1, 1)
            arguments.c_row_stride = 1
            arguments.alpha = 1
            (arguments.a, arguments.b, arguments.c) = (a.baseAddress, b.baseAddress, c.baseAddress)
            arguments.residual = UnsafePointer(c.baseAddress)
            primer_matmul_f32(nil, &arguments)
          }
        }
      }
    }
    #expect(c[0].isNaN)
  }

  @Test("activations and derivatives are exact to 1e-6", arguments: availableLevels)
  func activations(level: primer_isa) {
    for activation in 0..<9 {
      for derivative in [false, true] {
        let problem = MatmulProblem(
          m: 400, n: 16, k: 1, transposedA: false, transposedB: false, seed: UInt64(activation))
        problem.arguments.alpha = 12
        problem.arguments.activation = primer_activation(rawValue: UInt32(activation))
        if derivative {
          let at = problem.values(problem.layoutOfC)
          for i in 0..<problem.layoutOfC { at[i] *= 12 }
          problem.arguments.derivative_at = UnsafePointer(at)
          problem.arguments.alpha = 1
        }
        let expected = problem.outcome { primer_matmul_f32_reference(&$0) }
        let found = atLevel(level) { problem.outcome { primer_matmul_f32(nil, &$0) } }
        // 1 - σ(x) loses a unit of 1, which x up to 12 multiplies.
        #expect(difference(found, expected) < 1e-6, "activation \(activation), \(derivative)")
      }
    }
  }
}
