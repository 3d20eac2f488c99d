internal import CKernels

/// A stored matrix [rows, columns] once more with four or five bits a weight, which tells the few rows among
/// which the largest product with a vector must be; these alone are then multiplied as they are stored.
///
/// What comes of it is what all products would give, to the byte: the bounds hold for any vector (see
/// `primer_coarse.h`). Five bits are read in two thirds of the time of eight, four in half of it, but leave
/// more rows.
package final class CoarseMatrix: @unchecked Sendable {
  // Safe because nothing changes after initialisation.
  private let matrix: primer_coarse_matrix
  private let exact: Tensor
  /// Of a weight.
  package let bits: Int
  /// What the matrix points to.
  private let codes, errors, shares, lengths: Tensor
  /// Rows in whole panels.
  private let paddedRows: Int
  /// More candidates than this cost as much as what they spare.
  package let mostCandidates: Int

  /// More tokens share the time in which all rows are read; candidates are read for each.
  private static let fewTokens = 4
  /// Fewer rows are multiplied as fast.
  private static let fewestRows = 4096
  private static let panel = Int(PRIMER_COARSE_PANEL)
  private static let mostTokens = Int(PRIMER_COARSE_TOKENS)

  /// The largest product of a vector with rows of the matrix.
  package struct Largest {
    /// The first of equals.
    package let row: Int
    package let product: Float
    /// How many rows were multiplied to find it.
    package let candidates: Int
  }

  /// Bytes of the copy of `weight`; nil where none would help: of few rows, or of a type that is as small
  /// already, or has minima, whose sums round otherwise.
  package static func byteCount(for weight: Tensor, bits: Int) -> Int? {
    guard
      [.q8_0, .q6_K, .float16, .bfloat16].contains(weight.elementType), weight.rank == 2,
      weight.isContiguous, weight.shape[0] >= fewestRows,
      weight.shape[1] % (bits == 4 ? 64 : 32) == 0
    else { return nil }
    let (rows, columns) = (Int64(weight.shape[0]), Int64(weight.shape[1]))
    return Int(
      primer_coarse_bytes(rows, columns, Int32(bits)) + 8 * primer_coarse_groups(rows) + rows)
  }

  package var rows: Int { exact.shape[0] }
  /// Bytes of the copy.
  package var byteCount: Int { codes.count + shares.count + 4 * (errors.count + lengths.count) }

  /// nil where a weight is not finite.
  ///
  /// - Parameters:
  ///   - weight: one that `byteCount(for:bits:)` has a number for.
  ///   - bits: 4 or 5.
  package init?(rounding weight: Tensor, bits: Int) {
    let (rows, columns) = (weight.shape[0], weight.shape[1])
    exact = weight
    self.bits = bits
    codes = Tensor(
      uninitialised: [Int(primer_coarse_bytes(Int64(rows), Int64(columns), Int32(bits)))], .int8)
    errors = Tensor(uninitialised: [Int(primer_coarse_groups(Int64(rows)))])
    shares = Tensor(uninitialised: [rows], .int8)
    lengths = Tensor(uninitialised: errors.shape)
    paddedRows = (rows + Self.panel - 1) / Self.panel * Self.panel
    mostCandidates = rows / 4
    var matrix = primer_coarse_matrix()
    (matrix.rows, matrix.columns, matrix.bits) = (Int64(rows), Int64(columns), Int32(bits))
    matrix.codes = codes.bytes.assumingMemoryBound(to: UInt8.self)
    (matrix.errors, matrix.lengths) = (errors.floats, lengths.floats)
    matrix.shares = shares.bytes.assumingMemoryBound(to: UInt8.self)
    let isFinite = primer_coarse_round(
      Kernels.pool, weight.elementType.weightType!, weight.bytes, &matrix)
    self.matrix = matrix
    if !isFinite { return nil }
  }

  /// Of each row of x [tokens, columns]: which row of the matrix below `limit`, other than those
  /// `without`, has the largest product with it. nil where too many might have.
  package func largest(_ x: Tensor, limit: Int, without: [[Int]]) -> [Largest?] {
    let x = x.detached.contiguous()
    let (tokens, columns) = (x.shape[0], x.shape[1])
    precondition(
      columns == exact.shape[1] && without.count == tokens && (1...exact.shape[0]).contains(limit),
      "rows \(x.shape) with a matrix \(exact.shape)")
    guard withUnsafePointer(to: matrix, { primer_coarse_is_readable($0) }) else {
      return [Largest?](repeating: nil, count: tokens)
    }
    return stride(from: 0, to: tokens, by: Self.mostTokens).flatMap { first in
      let part = first..<min(first + Self.mostTokens, tokens)
      let scores = scores(x.sliced(axis: 0, part))
      return part.map { token in
        let row = token - first
        return largest(
          x.sliced(axis: 0, token..<token + 1), scores.sliced(axis: 0, row..<row + 1),
          limit: limit, without: without[token],
          most: tokens > Self.fewTokens ? mostCandidates / 8 : mostCandidates)
      }
    }
  }

  /// Products of x [1, columns] with some rows of the matrix as it is stored.
  package func products(_ x: Tensor, rows: [Int]) -> [Float] {
    products(x.detached.contiguous(), rows.map(Int32.init))
  }

  private func products(_ x: Tensor, _ ids: [Int32]) -> [Float] {
    withUnsafePointer(to: matrix) { matrix in
      [Float](unsafeUninitializedCapacity: ids.count) { products, count in
        count = ids.count
        primer_coarse_products(
          Kernels.pool, matrix, x.floats, ids, Int64(count), products.baseAddress)
      }
    }
  }

  private func scores(_ x: Tensor) -> Tensor {
    let scores = Tensor(uninitialised: [x.shape[0], paddedRows])
    withUnsafePointer(to: matrix) {
      primer_coarse_scores(Kernels.pool, $0, x.floats, Int64(x.shape[0]), scores.floats)
    }
    return scores
  }

  private func largest(
    _ x: Tensor, _ scores: Tensor, limit: Int, without: [Int], most: Int
  ) -> Largest? {
    for row in without where row < paddedRows { scores.floats[row] = -.infinity }
    let rows = withUnsafePointer(to: matrix) { matrix in
      [Int32](unsafeUninitializedCapacity: most) { ids, count in
        let found = primer_coarse_candidates(
          Kernels.pool, matrix, x.floats, scores.floats, Int64(limit), Int64(most),
          ids.baseAddress!)
        count = max(0, Int(found))
      }
    }
    guard !rows.isEmpty else { return nil }
    let products = products(x, rows)
    // The first of equals.
    var best = 0
    for index in products.indices where products[index] > products[best] { best = index }
    guard products.allSatisfy(\.isFinite) else { return nil }
    return Largest(row: Int(rows[best]), product: products[best], candidates: rows.count)
  }
}
