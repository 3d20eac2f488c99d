/// The speed of one f32 matrix product: what `primer bench matmul` prints.
public struct MatmulBenchmark: Sendable {
  /// Which operands are read transposed: `nn` A·B, `nt` A·Bᵀ, `tn` Aᵀ·B, `tt` Aᵀ·Bᵀ.
  public enum Layout: String, Sendable, CaseIterable { case nn, nt, tn, tt }

  /// Operations a second, counting two for a multiply-add; a median.
  public let operationsPerSecond: Double
  /// What these threads reach with registers alone.
  public let peak: Double

  /// C [m, n] = A [m, k] · B [k, n], in rounds of about 2e8 multiply-adds.
  public static func run(m: Int, n: Int, k: Int, _ layout: Layout) -> MatmulBenchmark {
    let isLeftTransposed = layout == .tn || layout == .tt
    let isRightTransposed = layout == .nt || layout == .tt
    let a = Tensor.normal(isLeftTransposed ? [k, m] : [m, k], seed: 1, stream: 1)
    let b = Tensor.normal(isRightTransposed ? [n, k] : [k, n], seed: 1, stream: 2)
    let left = isLeftTransposed ? a.swapped : a
    let right = isRightTransposed ? b.swapped : b
    let c = Tensor(uninitialised: [m, n])
    let repeats = max(1, 200_000_000 / max(1, m * n * k))
    var rates: [Double] = []
    for round in 0..<9 {
      let begun = ContinuousClock.now
      for _ in 0..<repeats { Kernels.matmul(left, right, into: c) }
      let seconds = (ContinuousClock.now - begun) / .seconds(1)
      if round >= 2 { rates.append(2 * Double(m * n * k * repeats) / seconds) }
    }
    return MatmulBenchmark(
      operationsPerSecond: rates.sorted()[rates.count / 2], peak: ComputePool.current.measurePeak())
  }
}
