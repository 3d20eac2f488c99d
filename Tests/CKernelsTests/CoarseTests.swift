import CKernels
import TestSupport
import Testing

/// A stored matrix and its coarse copy.
private final class CoarseProblem {
  static let columns = 320
  let type: primer_weight_type
  let rows: Int
  let bytes: [UInt8]
  /// The same where the matrix may point to them.
  let stored: UnsafeMutablePointer<UInt8>
  let exact: [Float]
  var matrix = primer_coarse_matrix()
  let isFinite: Bool

  init(
    _ type: primer_weight_type, rows: Int, columns: Int = columns, bits: Int32, seed: UInt64
  ) {
    var random = SplitMix(state: seed)
    (self.type, self.rows) = (type, rows)
    bytes = randomWeights(type, rows: rows, columns: columns, using: &random)
    var exact = [Float](repeating: 0, count: rows * columns)
    primer_weight_decode(nil, type, bytes, Int64(rows), Int64(columns), &exact)
    self.exact = exact
    (matrix.rows, matrix.columns, matrix.bits) = (Int64(rows), Int64(columns), bits)
    let count = Int(primer_coarse_bytes(Int64(rows), Int64(columns), bits))
    matrix.codes = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 64)
      .assumingMemoryBound(to: UInt8.self)
    let groups = Int(primer_coarse_groups(Int64(rows)))
    matrix.errors = .allocate(capacity: groups)
    matrix.shares = .allocate(capacity: rows)
    matrix.lengths = .allocate(capacity: groups)
    stored = .allocate(capacity: bytes.count)
    stored.initialize(from: bytes, count: bytes.count)
    isFinite = primer_coarse_round(nil, type, stored, &matrix)
  }

  deinit {
    stored.deallocate()
    matrix.codes.deallocate()
    matrix.errors.deallocate()
    matrix.shares.deallocate()
    matrix.lengths.deallocate()
  }

  var columns: Int { Int(matrix.columns) }

  /// [tokens][padded rows]
  func scores(_ x: [[Float]]) -> [[Float]] {
    let padded = (rows + 31) / 32 * 32
    var scores = [Float](repeating: 0, count: x.count * padded)
    primer_coarse_scores(nil, &matrix, x.flatMap { $0 }, Int64(x.count), &scores)
    return x.indices.map { Array(scores[$0 * padded..<($0 + 1) * padded]) }
  }

  /// Products with the matrix as it is stored.
  func products(_ x: [Float]) -> [Float] {
    var out = [Float](repeating: 0, count: rows)
    var product = primer_weight_product()
    (product.tokens, product.columns, product.count) = (1, matrix.columns, 1)
    product.x_stride = matrix.columns
    bytes.withUnsafeBytes { bytes in
      x.withUnsafeBufferPointer { x in
        out.withUnsafeMutableBufferPointer { out in
          product.x = x.baseAddress
          product.matrices.0 = primer_weight_matrix(
            type: type, data: bytes.baseAddress, rows: Int64(rows), bias: nil, residual: nil,
            out: out.baseAddress, out_stride: Int64(rows), woven: primer_woven_rows())
          primer_weight_product_run(nil, &product)
        }
      }
    }
    return out
  }

  func candidates(
    _ x: [Float], _ scores: [Float], limit: Int? = nil, most: Int? = nil
  ) -> [Int]? {
    var ids = [Int32](repeating: -1, count: rows)
    let count = primer_coarse_candidates(
      nil, &matrix, x, scores, Int64(limit ?? rows), Int64(most ?? rows), &ids)
    return count < 0 ? nil : ids.prefix(Int(count)).map(Int.init)
  }

  func row(_ index: Int) -> [Float] { Array(exact[index * columns..<(index + 1) * columns]) }

  /// Its rows as they were rounded, told by products with unit vectors, which rounding leaves as they are.
  func roundedRows() -> [[Float]] {
    var rounded = [[Float]](
      repeating: [Float](repeating: 0, count: columns), count: rows)
    for first in stride(from: 0, to: columns, by: 24) {
      let units = (first..<min(first + 24, columns)).map { column in
        (0..<columns).map { $0 == column ? Float(127) : 0 }
      }
      for (index, scores) in scores(units).enumerated() {
        for row in 0..<rows { rounded[row][first + index] = scores[row] / 127 }
      }
    }
    return rounded
  }
}

@Suite("A coarse copy of a matrix")
struct CoarseTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let type: primer_weight_type
    let bits: Int32
    let level: primer_isa

    var testDescription: String { "type \(type.rawValue), \(bits) bits, level \(level.rawValue)" }

    fileprivate func problem(rows: Int, seed: UInt64) -> CoarseProblem {
      // With five bits, also a last block without another to make a pair.
      let columns = CoarseProblem.columns - (bits == 5 ? 32 : 0)
      return CoarseProblem(
        type, rows: rows, columns: type == PRIMER_WEIGHT_Q6_K ? 512 : columns, bits: bits,
        seed: seed)
    }
  }
  static let cases = [
    PRIMER_WEIGHT_Q8_0, PRIMER_WEIGHT_Q6_K, PRIMER_WEIGHT_F16, PRIMER_WEIGHT_BF16,
  ].flatMap { type in
    availableLevels.flatMap { level in
      [4, 5].map { Case(type: type, bits: $0, level: level) }
    }
  }

  private func length(_ x: [Float]) -> Double {
    x.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  private func difference(_ a: [Float], _ b: [Float]) -> [Float] { zip(a, b).map { $0 - $1 } }

  @Test("says how far off each row is, and not much more", arguments: cases)
  func errors(_ given: Case) {
    atLevel(given.level) {
      let problem = given.problem(rows: 77, seed: 5)
      #expect(problem.isFinite)
      let rounded = problem.roundedRows()
      let lengths = (0..<problem.rows).map { length(problem.row($0)) }
      let errors = (0..<problem.rows).map { length(difference(problem.row($0), rounded[$0])) }
      let group = Int(PRIMER_COARSE_GROUP)
      for first in stride(from: 0, to: problem.rows, by: group) {
        let rows = first..<min(first + group, problem.rows)
        let (error, own) = (errors[rows].max()!, lengths[rows].max()!)
        let said = Double(problem.matrix.errors[first / group])
        let saidLength = Double(problem.matrix.lengths[first / group])
        #expect(said >= error * 0.99999 && said <= error * 1.001 + 1e-5 * own)
        #expect(saidLength >= own && saidLength <= own * 1.001)
      }
      for row in 0..<problem.rows {
        let most = Double(problem.matrix.errors[row / group])
        let said = Double(problem.matrix.shares[row]) / 255 * most
        #expect(said >= errors[row] * 0.99999 && said <= errors[row] * 1.001 + most / 128)
        #expect(errors[row] < (given.bits == 4 ? 0.2 : 0.1) * lengths[row])
      }
    }
  }

  @Test("names the row with the largest product, whatever the vector", arguments: cases)
  func largest(_ given: Case) {
    atLevel(given.level) {
      var random = SplitMix(state: 8)
      let problem = given.problem(rows: 333, seed: 6)
      let rounded = problem.roundedRows()
      var vectors: [[Float]] = []
      for index in 0..<24 {
        let row = Int.random(in: 0..<333, using: &random)
        switch index % 4 {
        // As far off as the copy can be.
        case 0: vectors.append(difference(problem.row(row), rounded[row]))
        case 1: vectors.append(difference(rounded[row], problem.row(row)))
        case 2: vectors.append(problem.row(row))
        default:
          vectors.append(
            (0..<problem.columns).map { _ in
              Float.random(in: -1...1, using: &random)
                * (Int.random(in: 0..<30, using: &random) == 0 ? 40 : 1)
            })
        }
      }
      let scores = problem.scores(vectors)
      for (vector, scores) in zip(vectors, scores) {
        let products = problem.products(vector)
        let candidates = problem.candidates(vector, scores)!
        #expect(candidates == candidates.sorted() && !candidates.isEmpty)
        for row in 0..<333 where products[row] == products.max()! {
          #expect(candidates.contains(row))
        }
      }
      // One vector alone has the same scores as among others.
      #expect(problem.scores([vectors[5]])[0].prefix(333) == scores[5].prefix(333))
      #expect(problem.scores(Array(vectors[3..<6]))[2].prefix(333) == scores[5].prefix(333))
    }
  }

  @Test("multiplies rows as all of the matrix does, to the byte", arguments: cases)
  func products(_ given: Case) {
    atLevel(given.level) {
      var random = SplitMix(state: 11)
      let problem = given.problem(rows: 300, seed: 10)
      let vector = (0..<problem.columns).map { _ in Float.random(in: -2...2, using: &random) }
      let expected = problem.products(vector)
      for count in [1, 31, 32, 64, 65, 250] {
        let ids = (0..<count).map { _ in Int32.random(in: 0..<300, using: &random) }
        var found = [Float](repeating: .nan, count: count + 1)
        primer_coarse_products(nil, &problem.matrix, vector, ids, Int64(count), &found)
        #expect(found.prefix(count) == ids.map { expected[Int($0)] }[...])
        // And nothing behind them.
        #expect(found[count].isNaN)
      }
    }
  }

  @Test("leaves few rows where one stands out", arguments: cases)
  func few(_ given: Case) {
    atLevel(given.level) {
      let problem = given.problem(rows: 600, seed: 7)
      for row in [0, 99, 598, 599] {
        let vector = problem.row(row)
        let scores = problem.scores([vector])[0]
        #expect(problem.candidates(vector, scores) == [row])
        #expect(problem.candidates(vector, scores, limit: row + 1) == [row])
        #expect(
          problem.candidates(vector, scores, limit: max(row, 1))?.contains(row) != true || row == 0)
        var without = scores
        without[row] = -.infinity
        #expect(problem.candidates(vector, without)?.contains(row) == false)
        #expect(problem.candidates(vector, scores, most: 0) == nil)
      }
    }
  }

  @Test("does not pretend where numbers are not finite", arguments: availableLevels)
  func notFinite(level: primer_isa) {
    atLevel(level) {
      let problem = CoarseProblem(PRIMER_WEIGHT_F16, rows: 64, bits: 5, seed: 9)
      var vector = problem.row(3)
      for value in [Float.nan, .infinity, -.infinity] {
        vector[17] = value
        #expect(problem.candidates(vector, problem.scores([vector])[0]) == nil)
      }
      var bytes = problem.bytes
      bytes[11] = 0x7e
      var matrix = problem.matrix
      #expect(!primer_coarse_round(nil, PRIMER_WEIGHT_F16, bytes, &matrix))
    }
  }
}
