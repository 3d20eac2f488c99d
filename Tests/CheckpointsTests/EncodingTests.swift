import Foundation
import PrimerCheckpoints
import PrimerTensors
import TestSupport
import Testing

@Suite("Weights as blocks")
struct EncodingTests {
  private struct Golden: Decodable {
    let input: GoldenArray
    /// What ggml makes of the input, by type.
    let blocks: [String: Data]
    /// Root mean square errors of ggml's blocks of each row.
    let errors: [String: [Double]]
  }

  private let golden: Golden
  private let input: Tensor

  init() throws {
    golden = try Goldens.decoded("quantisation.json")
    input = Tensor(golden.input.floats, shape: golden.input.shape)
  }

  private static let small: [String: ElementType] = [
    "Q4_0": .q4_0, "Q4_1": .q4_1, "Q5_0": .q5_0, "Q5_1": .q5_1, "Q8_0": .q8_0, "MXFP4": .mxfp4,
  ]
  private static let large: [String: ElementType] = [
    "Q2_K": .q2_K, "Q3_K": .q3_K, "Q4_K": .q4_K, "Q5_K": .q5_K, "Q6_K": .q6_K,
  ]

  private func error(_ a: Tensor, _ b: Tensor, row: Int) -> Double {
    let width = a.shape[1]
    let (x, y) = (
      a.scalars[row * width..<(row + 1) * width], b.scalars[row * width..<(row + 1) * width]
    )
    let sum = zip(x, y).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
    return (sum / Double(width)).squareRoot()
  }

  @Test("of 32 elements have ggml's bytes", arguments: small.keys.sorted())
  func sameBytes(name: String) throws {
    let found = try input.encoded(as: Self.small[name]!).withBytes { Data($0) }
    #expect(found == golden.blocks[name])
  }

  @Test(
    "of 256 elements come nearer to the numbers than ggml's, on every row",
    arguments: large.keys.sorted())
  func smallerError(name: String) throws {
    let found = try input.encoded(as: Self.large[name]!).converted(to: .float32)
    for row in 0..<input.shape[0] {
      let (ours, theirs) = (error(input, found, row: row), golden.errors[name]![row])
      #expect(ours <= theirs * 1.000_01, "row \(row): \(ours), ggml \(theirs)")
    }
  }

  @Test("do not depend on the number of threads or on how rows are cut into parts")
  func threads() throws {
    let rows = Tensor((0..<64 * 512).map { sin(Float($0) * 0.37) }, shape: [64, 512])
    let one = try ComputePool.$current.withValue(ComputePool(threads: 1)) {
      try rows.encoded(as: .q4_K).withBytes { Array($0) }
    }
    let three = try ComputePool.$current.withValue(ComputePool(threads: 3)) {
      try rows.encoded(as: .q4_K).withBytes { Array($0) }
    }
    let last = try rows.sliced(axis: 0, 63..<64).contiguous().encoded(as: .q4_K)
    #expect(one == three && one.suffix(288) == last.withBytes { Array($0) })
  }

  @Test(
    "of zeros, of one number and of single spikes are exact",
    arguments: ElementType.allCases.filter(\.isQuantised))
  func plain(type: ElementType) throws {
    let width = 256
    var spike = [Float](repeating: 0, count: width)
    spike[77] = -2
    let rows = [[Float](repeating: 0, count: width), [Float](repeating: 0.5, count: width), spike]
    for row in rows {
      let x = Tensor(row, shape: [1, width])
      let found = try x.encoded(as: type).converted(to: .float32)
      let most = zip(row, found.scalars).map { abs($0 - $1) }.max()!
      #expect(most <= 0.02, "\(type): \(most)")
    }
  }

  @Test(
    "refuse what is no number or too large for a half", arguments: [Float.nan, .infinity, -1e6])
  func refusal(bad: Float) throws {
    let x = Tensor([Float](repeating: 1, count: 255) + [bad], shape: [1, 256])
    for type in ElementType.allCases where type.isQuantised || type == .float16 {
      #expect(throws: EncodingProblem.self) { try x.encoded(as: type) }
    }
  }

  @Test("are decoded and encoded again as they were")
  func again() throws {
    for type in [ElementType.q8_0, .q4_0, .q4_1, .q5_0, .q5_1] {
      let once = try input.encoded(as: type)
      let twice = try once.encoded(as: .float32).encoded(as: type)
      let difference = error(once.converted(to: .float32), twice.converted(to: .float32), row: 0)
      #expect(difference < 1e-4, "\(type): \(difference)")
    }
  }
}
