import CKernels
import TestSupport
import Testing

private let quantised = weightTypes.filter { primer_weight_block_elements($0) > 1 }

@Suite("Products of served weights with what stands before and behind them")
struct WeightFusionTests {
  /// Widths of whole blocks of every type.
  private static let widths = [256, 512, 768]
  private static let tokens = [1, 2, 3, 4, 5, 11, 16, 24, 25, 32, 33, 40, 70]

  @Test(
    "a norm before a product gives the bytes of the norm and then the product",
    arguments: availableLevels)
  func norm(level: primer_isa) throws {
    let pool = try #require(primer_pool_create(3))
    defer { primer_pool_destroy(pool) }
    var random = SplitMix(state: 41)
    for (round, type) in (quantised + quantised).enumerated() {
      let width = Self.widths.randomElement(using: &random)!
      let tokens = Self.tokens.randomElement(using: &random)!
      let problem = WeightProblem(
        tokens: tokens, columns: width, matrices: [(type, 70), (type, 33)], terms: random.next(),
        distinctRows: 9, seed: random.next())
      let weight = (0..<width).map { _ in Float.random(in: -2..<2, using: &random) }
      let offset: Float = round % 2 == 0 ? 0 : 1
      weight.withUnsafeBufferPointer { weight in
        let stride = Int(problem.product.x_stride)
        let normed = atLevel(level) {
          (0..<tokens).flatMap { token in
            [Float](unsafeUninitializedCapacity: stride) { row, count in
              row.initialize(repeating: 0)
              primer_rms_norm_forward(
                nil, 1, Int64(width), problem.product.x + token * stride, weight.baseAddress,
                offset, 1e-5, row.baseAddress, nil)
              count = stride
            }
          }
        }
        let expected = normed.withUnsafeBufferPointer { normed in
          atLevel(level) {
            problem.outcome {
              $0.x = normed.baseAddress
              primer_weight_product_run(nil, &$0)
            }
          }
        }
        func withNorm(
          _ run: @escaping (inout primer_weight_product) -> Void
        ) -> (inout primer_weight_product) -> Void {
          return {
            ($0.norm, $0.norm_offset, $0.norm_epsilon) = (weight.baseAddress, offset, 1e-5)
            run(&$0)
          }
        }
        let found = atLevel(level) {
          problem.outcome(withNorm { primer_weight_product_run(round % 3 == 0 ? nil : pool, &$0) })
        }
        #expect(sameBytes(found, expected), "\(type), \(tokens) tokens, \(width) columns")
        let defined = problem.outcome(withNorm { primer_weight_product_reference(&$0) })
        #expect(difference(found, defined.map(Double.init)) < 0.02, "\(type): the definition")
      }
      #expect(problem.guardsHold)
    }
  }

  @Test(
    "a feed-forward layer gives the bytes of its two products, one after the other",
    arguments: availableLevels)
  func feedForward(level: primer_isa) throws {
    let pools = [nil, primer_pool_create(2), primer_pool_create(3)]
    defer { for pool in pools { primer_pool_destroy(pool) } }
    var random = SplitMix(state: 42)
    for (round, type) in (quantised + quantised + quantised).enumerated() {
      let other = quantised.randomElement(using: &random)!
      let hidden = Self.widths.randomElement(using: &random)!
      let tokens = Self.tokens.randomElement(using: &random)!
      let inside = WeightProblem(
        tokens: tokens, columns: Self.widths.randomElement(using: &random)!,
        matrices: [(type, hidden), (round % 2 == 0 ? type : other, hidden)], gated: true,
        activation: round % 9, terms: random.next() & 0b0101, distinctRows: 64,
        seed: random.next())
      let down = WeightProblem(
        tokens: tokens, columns: hidden, matrices: [(other, [70, 96, 640][round % 3])],
        terms: random.next(), distinctRows: 9, seed: random.next())
      let expected = atLevel(level) {
        down.outcome { second in
          primer_weight_product_run(nil, &inside.product)
          (second.x, second.x_stride) = (UnsafePointer(inside[0].out), inside[0].out_stride)
          primer_weight_product_run(nil, &second)
        }
      }
      for token in 0..<tokens * Int(inside[0].out_stride) { inside[0].out[token] = .nan }
      let found = atLevel(level) {
        down.outcome { second in
          second.x = nil
          primer_weight_feed_forward_run(pools[round % 3], &inside.product, &second)
        }
      }
      #expect(
        sameBytes(found, expected),
        "\(type) and \(other), \(tokens) tokens, \(hidden) inside, round \(round)")
      #expect(inside.guardsHold && down.guardsHold)
    }
  }
}
