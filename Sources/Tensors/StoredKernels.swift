internal import CKernels

/// Kernels that read weights as files store them.
extension Kernels {
  /// One matrix of `storedProducts` and where its product goes.
  struct StoredProduct {
    let weight: Tensor
    let bias: Tensor?
    let residual: Tensor?
    let result: Tensor
  }

  /// Products of x [rows, columns] with up to three matrices. `gated`: activation(first) · second,
  /// in the first's result. A norm only with quantised types alone.
  static func storedProducts(
    _ x: Tensor, _ norm: InputNorm?, _ products: [StoredProduct], gated: Bool,
    _ activation: Activation
  ) {
    var arguments = storedArguments(x, norm, products)
    arguments.gated = gated
    arguments.activation = activation.kernel
    run { [arguments] pool in
      withUnsafePointer(to: arguments) { primer_weight_product_run(pool, $0) }
    }
  }

  /// `down` of activation(first) · second of `inside`, all of quantised types; inside's results are not
  /// used.
  static func storedFeedForward(
    _ x: Tensor, _ norm: InputNorm?, _ inside: [StoredProduct], _ activation: Activation,
    down: StoredProduct
  ) {
    var first = storedArguments(x, norm, inside)
    first.gated = true
    first.activation = activation.kernel
    var second = primer_weight_product()
    (second.tokens, second.columns) = (first.tokens, Int64(inside[0].weight.shape[0]))
    second.count = 1
    second.activation = Activation.identity.kernel
    second.matrices.0 = down.matrix(columns: Int(second.columns))
    run { [first, second] pool in
      withUnsafePointer(to: first) { first in
        withUnsafePointer(to: second) { primer_weight_feed_forward_run(pool, first, $0) }
      }
    }
  }

  private static func storedArguments(
    _ x: Tensor, _ norm: InputNorm?, _ products: [StoredProduct]
  ) -> primer_weight_product {
    var arguments = primer_weight_product()
    let (rows, columns) = x.rowsAndWidth
    (arguments.tokens, arguments.columns) = (rows, columns)
    arguments.x = UnsafePointer(x.floats)
    arguments.x_stride = columns
    if let norm {
      precondition(
        norm.weight.isContiguous && norm.weight.count == Int(columns),
        "norm weight \(norm.weight.shape) on \(x.shape)")
      arguments.norm = UnsafePointer(norm.weight.floats)
      (arguments.norm_offset, arguments.norm_epsilon) = (norm.offset, norm.epsilon)
    }
    arguments.count = Int32(products.count)
    withUnsafeMutableBytes(of: &arguments.matrices) { bytes in
      let matrices = bytes.assumingMemoryBound(to: primer_weight_matrix.self)
      for (index, product) in products.enumerated() {
        matrices[index] = product.matrix(columns: Int(columns))
      }
    }
    return arguments
  }

  /// Rows `ids` of a stored table, times `scale`.
  static func storedRows(_ table: Tensor, _ ids: Tensor, scale: Float) -> Tensor {
    precondition(table.isContiguous)
    let width = table.shape[1]
    let result = Tensor(uninitialised: ids.shape + [width])
    let (type, from, to) = (table.elementType.stored, table.bytes, result.floats)
    let (count, rows) = (Int64(ids.count), ids.int32s)
    run { primer_weight_rows($0, type, from, Int64(width), count, rows, scale, to) }
    return result
  }

  /// New keys and values of `rows` into their pages, then attention.
  static func cachedAttention(_ arguments: primer_cached_attention, _ rows: CacheRows) {
    run { pool in
      var arguments = arguments
      rows.describe(in: &arguments)
      primer_cache_store(pool, &arguments)
      primer_cached_attention_forward(pool, &arguments)
    }
  }

  /// The f32 values of a stored tensor.
  static func storedValues(_ x: Tensor, into result: Tensor) {
    precondition(x.isContiguous)
    let (rows, columns) = x.rowsAndWidth
    primer_weight_decode(pool, x.elementType.stored, x.bytes, rows, columns, result.floats)
  }
}

extension Kernels.StoredProduct {
  fileprivate func matrix(columns: Int) -> primer_weight_matrix {
    precondition(
      weight.rank == 2 && weight.isContiguous && weight.shape[1] == columns,
      "stored weight \(weight.shape) on rows of \(columns)")
    return primer_weight_matrix(
      type: weight.elementType.stored, data: UnsafeRawPointer(weight.bytes),
      rows: Int64(weight.shape[0]), bias: bias.map { UnsafePointer($0.floats) },
      residual: residual.map { UnsafePointer($0.floats) }, out: result.floats,
      out_stride: Int64(weight.shape[0]), woven: weight.wovenRows)
  }
}

extension ElementType {
  fileprivate var stored: primer_weight_type {
    guard let type = weightType else { preconditionFailure("no product reads \(self)") }
    return type
  }
}
