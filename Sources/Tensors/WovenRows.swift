internal import CKernels
internal import Synchronization

/// Rows of a matrix as the products of few tokens want them: words of several rows side by side, of halves
/// vectors, so that nothing has to be turned round for each token and memory is read in one stream. The same
/// numbers in as many bytes (Q6_K: a hundredth more), and products of the same bytes.
struct WovenRows: Sendable {
  let rows: Storage
  /// How many rows went together: what a level can read.
  let together: Int
}

extension Tensor {
  /// Bytes that `weave` takes; nil where rows of this type and width are not woven, or are already.
  package var wovenByteCount: Int? {
    guard let type = elementType.weightType, rank >= 2, isContiguous,
      storage.byteCount == elementType.byteCount(of: count),
      storage.woven.withLock({ $0 == nil })
    else { return nil }
    let columns = Int64(shape[rank - 1])
    let multiple = Int(primer_weight_woven_rows(type, columns))
    guard multiple > 0, shape[rank - 2] % multiple == 0 else { return nil }
    return Int(primer_weight_woven_bytes(type, Int64(count) / columns, columns))
  }

  /// Has its rows woven for all products from now on, and lets go of a file's pages, which only those
  /// need who look rows up.
  ///
  /// Only where `wovenByteCount` has a number.
  package func weave() {
    let (rows, columns) = (Int64(count / shape[rank - 1]), Int64(shape[rank - 1]))
    let type = elementType.weightType!
    let woven = Storage(byteCount: Int(primer_weight_woven_bytes(type, rows, columns)))
    let together = primer_weight_weave(Kernels.pool, type, bytes, rows, columns, woven.base)
    storage.woven.withLock { $0 = WovenRows(rows: woven, together: Int(together)) }
    storage.forget()
  }

  /// Its woven rows in the kernels' terms; none where it has none.
  var wovenRows: primer_woven_rows {
    storage.woven.withLock { woven in
      guard let woven else { return primer_woven_rows() }
      let columns = shape[rank - 1]
      let skipped = primer_weight_woven_bytes(
        elementType.weightType!, Int64(offset / columns), Int64(columns))
      return primer_woven_rows(
        data: woven.rows.base + Int(skipped), together: Int64(woven.together))
    }
  }
}
