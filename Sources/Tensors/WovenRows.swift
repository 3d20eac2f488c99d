internal import CKernels
internal import Synchronization

/// Rows of a matrix as the products of few tokens want them: words of several rows side by side, of halves
/// vectors, so that nothing has to be turned round for each token and memory is read in one stream. The same
/// numbers in as many bytes (Q6_K: a hundredth more), and products of the same bytes.
struct WovenRows: Sendable {
  /// Memory of all matrices that were woven with this one.
  let memory: Storage
  /// Where its rows begin there, bytes.
  let offset: Int
  /// How many rows went together: what a level can read.
  let together: Int
}

extension Tensor {
  /// Bytes that its woven rows take; nil where rows of this type and width are not woven, or are already.
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

  /// Has the rows of `matrices` woven for all products from now on, and lets go of a file's pages, which
  /// only those need who look rows up.
  ///
  /// They lie in one piece of memory, so that its pages are large: a small model's matrices have less than
  /// such a page each.
  ///
  /// - Parameter matrices: those for which `wovenByteCount` has a number.
  package static func weave(_ matrices: [Tensor]) {
    var offsets = [0]
    for matrix in matrices {
      let end = offsets.last! + matrix.wovenByteCount!
      offsets.append((end + lineBytes - 1) / lineBytes * lineBytes)
    }
    let memory = Storage(byteCount: offsets.last!)
    for (matrix, offset) in zip(matrices, offsets) { matrix.weave(into: memory, at: offset) }
  }

  private static let lineBytes = 64

  private func weave(into memory: Storage, at offset: Int) {
    let (rows, columns) = (Int64(count / shape[rank - 1]), Int64(shape[rank - 1]))
    let together = primer_weight_weave(
      Kernels.pool, elementType.weightType!, bytes, rows, columns, memory.base + offset)
    storage.woven.withLock {
      $0 = WovenRows(memory: memory, offset: offset, together: Int(together))
    }
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
        data: woven.memory.base + woven.offset + Int(skipped), together: Int64(woven.together))
    }
  }
}
