import CKernels
import TestSupport

/// A product with its own memory: operands at odd offsets, padded rows, guarded ends.
final class MatmulProblem {
  var arguments = primer_matmul_arguments()
  private var buffers: [UnsafeMutableBufferPointer<Float>] = []
  private(set) var results: [UnsafeMutableBufferPointer<Float>] = []
  private var random: SplitMix

  init(m: Int, n: Int, k: Int, batch: Int = 1, transposedA: Bool, transposedB: Bool, seed: UInt64) {
    random = SplitMix(state: seed)
    let padding = Int.random(in: 0...4, using: &random)
    func strides(_ rows: Int, _ columns: Int, _ transposed: Bool) -> (Int64, Int64, Int) {
      transposed
        ? (1, Int64(rows + padding), (rows + padding) * columns)
        : (Int64(columns + padding), 1, (columns + padding) * rows)
    }
    let a = strides(m, k, transposedA)
    let b = strides(k, n, transposedB)
    arguments.m = Int64(m)
    arguments.n = Int64(n)
    arguments.k = Int64(k)
    arguments.batch = Int64(batch)
    arguments.alpha = 1
    (arguments.a_row_stride, arguments.a_column_stride) = (a.0, a.1)
    (arguments.b_row_stride, arguments.b_column_stride) = (b.0, b.1)
    arguments.c_row_stride = Int64(n + padding)
    arguments.a_batch_stride = Int64(a.2 + 3)
    arguments.b_batch_stride = Int64(b.2 + 1)
    arguments.c_batch_stride = Int64(m * (n + padding) + 2)
    arguments.a = UnsafePointer(values((a.2 + 3) * batch))
    arguments.b = UnsafePointer(values((b.2 + 1) * batch))
    arguments.c = result((m * (n + padding) + 2) * batch)
  }

  deinit { for buffer in buffers { buffer.deallocate() } }

  /// `count` numbers in [-1, 1) at an address that no vector is aligned to.
  func values(_ count: Int) -> UnsafeMutablePointer<Float> {
    let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: count + 16)
    for i in buffer.indices { buffer[i] = Float.random(in: -1..<1, using: &random) }
    buffers.append(buffer)
    return buffer.baseAddress! + Int.random(in: 0..<16, using: &random)
  }

  /// Such numbers that the product may overwrite; `outcome` includes all of the buffer, its guards too.
  func result(_ count: Int) -> UnsafeMutablePointer<Float> {
    let pointer = values(count)
    results.append(buffers.last!)
    return pointer
  }

  var layoutOfC: Int { Int(arguments.c_batch_stride * arguments.batch) }

  /// Turns epilogue terms on by the bits of `choice`.
  func addEpilogue(_ choice: UInt64, activation: Int) {
    if choice & 1 != 0 { arguments.bias = UnsafePointer(values(Int(arguments.n))) }
    if choice & 2 != 0 { arguments.preactivation = result(layoutOfC) }
    if choice & 4 != 0 { arguments.activation = primer_activation(rawValue: UInt32(activation)) }
    if choice & 8 != 0 { arguments.derivative_at = UnsafePointer(values(layoutOfC)) }
    if choice & 16 != 0 { arguments.residual = UnsafePointer(values(layoutOfC)) }
    if choice & 48 == 32 { arguments.residual = UnsafePointer(arguments.c) }
    if choice & 64 != 0 { arguments.alpha = 0.75 }
    if choice & 128 != 0, arguments.batch == 1 { arguments.a_row_sums = result(Int(arguments.m)) }
  }

  /// All bytes that `compute` may have written; what was there before is put back.
  func outcome(_ compute: (inout primer_matmul_arguments) -> Void) -> [[Float]] {
    let before = results.map(Array.init)
    compute(&arguments)
    let after = results.map(Array.init)
    for (buffer, old) in zip(results, before) { _ = buffer.update(from: old) }
    return after
  }
}
