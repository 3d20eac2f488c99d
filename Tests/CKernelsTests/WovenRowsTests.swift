import CKernels
import TestSupport
import Testing

@Suite("Woven rows")
struct WovenRowsTests {
  static let cases = availableLevels.flatMap { level in weightTypes.map { ($0, level) } }

  /// Weaves the rows of a problem's matrix; nil where the level weaves none of its type.
  private func woven(
    _ matrix: primer_weight_matrix, columns: Int
  ) -> UnsafeMutableRawPointer? {
    let multiple = primer_weight_woven_rows(matrix.type, Int64(columns))
    guard multiple > 0 else { return nil }
    #expect(matrix.rows % multiple == 0)
    let bytes = primer_weight_woven_bytes(matrix.type, matrix.rows, Int64(columns))
    return .allocate(byteCount: Int(bytes), alignment: 64)
  }

  @Test("give the products of rows as files have them, to the byte", arguments: cases)
  func products(type: primer_weight_type, level: primer_isa) {
    atLevel(level) {
      for (columns, rows) in [(512, 96), (768, 32), (256, 64)] {
        for tokens in [1, 2, 3, 4, 7, 24, 40] {
          let problem = WeightProblem(
            tokens: tokens, columns: columns, matrices: [(type, rows)], seed: 3)
          let expected = problem.outcome { primer_weight_product_run(nil, &$0) }
          guard let memory = woven(problem[0], columns: columns) else { return }
          defer { memory.deallocate() }
          let data = problem[0].data
          let together = primer_weight_weave(
            nil, type, data, Int64(rows), Int64(columns), memory)
          problem[0].woven = primer_woven_rows(data: memory, together: together)
          // Nothing but the woven rows is read.
          let other = [UInt8](repeating: 0x55, count: rows * columns * 4)
          other.withUnsafeBytes { other in
            problem[0].data = other.baseAddress
            #expect(problem.outcome { primer_weight_product_run(nil, &$0) } == expected)
          }
          // Those of another level are not.
          problem[0].data = data
          problem[0].woven.together = together * 2
          #expect(problem.outcome { primer_weight_product_run(nil, &$0) } == expected)
        }
      }
    }
  }

  @Test("are of the types of blocks of whole words, and of halves", arguments: availableLevels)
  func types(level: primer_isa) {
    atLevel(level) {
      func isWoven(_ type: primer_weight_type, _ columns: Int64) -> Bool {
        primer_weight_woven_rows(type, columns) > 0
      }
      let isFast = level != PRIMER_ISA_PORTABLE
      for type in [PRIMER_WEIGHT_Q4_0, PRIMER_WEIGHT_Q5_0, PRIMER_WEIGHT_Q8_0] {
        #expect(isWoven(type, 576) == isFast)
        #expect(!isWoven(type, 544))
      }
      #expect(isWoven(PRIMER_WEIGHT_Q4_1, 544) == isFast)
      for type in [PRIMER_WEIGHT_Q4_K, PRIMER_WEIGHT_Q5_K, PRIMER_WEIGHT_Q6_K] {
        #expect(isWoven(type, 256) == isFast)
      }
      for type in [PRIMER_WEIGHT_F16, PRIMER_WEIGHT_BF16] {
        #expect(isWoven(type, 48) == isFast)
        #expect(!isWoven(type, 52))
      }
      for type in [PRIMER_WEIGHT_F32, PRIMER_WEIGHT_Q2_K, PRIMER_WEIGHT_MXFP4] {
        #expect(!isWoven(type, 512))
      }
    }
  }
}
