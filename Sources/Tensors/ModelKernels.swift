internal import CKernels

/// Kernels with many operands: products, attention, norms, embeddings, losses, optimisers.
extension Kernels {
  /// What happens to a product before it is stored.
  struct Epilogue {
    var bias: Tensor?
    var preactivation: Tensor?
    var activation = Activation.identity
    var derivativeAt: Tensor?
    var residual: Tensor?
    var rowSums: Tensor?
  }

  /// c = epilogue(alpha · a · b); a [.., m, k] and b [.., k, n] with one unit stride each, c
  /// contiguous rows.
  static func matmul(
    _ a: Tensor, _ b: Tensor, into c: Tensor, alpha: Float = 1, _ epilogue: Epilogue = Epilogue()
  ) {
    var arguments = primer_matmul_arguments()
    let (m, k, n) = (a.shape[a.rank - 2], a.shape[a.rank - 1], b.shape[b.rank - 1])
    precondition(
      b.shape[b.rank - 2] == k && c.shape[c.rank - 2] == m && c.shape[c.rank - 1] == n,
      "product of \(a.shape) and \(b.shape) into \(c.shape)")
    (arguments.m, arguments.n, arguments.k) = (Int64(m), Int64(n), Int64(k))
    arguments.a = UnsafePointer(a.floats)
    (arguments.a_row_stride, arguments.a_column_stride) = a.matrixStrides
    arguments.b = UnsafePointer(b.floats)
    (arguments.b_row_stride, arguments.b_column_stride) = b.matrixStrides
    arguments.c = c.floats
    arguments.c_row_stride = Int64(c.strides[c.rank - 2])
    arguments.batch = 1
    if c.rank == 3 {
      arguments.batch = Int64(c.shape[0])
      arguments.a_batch_stride = a.rank == 3 ? Int64(a.strides[0]) : 0
      arguments.b_batch_stride = b.rank == 3 ? Int64(b.strides[0]) : 0
      arguments.c_batch_stride = Int64(c.strides[0])
    }
    arguments.alpha = alpha
    arguments.bias = epilogue.bias.map { UnsafePointer($0.floats) }
    arguments.preactivation = epilogue.preactivation?.floats
    arguments.activation = epilogue.activation.kernel
    arguments.derivative_at = epilogue.derivativeAt.map { UnsafePointer($0.floats) }
    arguments.residual = epilogue.residual.map { UnsafePointer($0.floats) }
    arguments.a_row_sums = epilogue.rowSums?.floats
    run { [arguments] pool in withUnsafePointer(to: arguments) { primer_matmul_f32(pool, $0) } }
  }

  static func layerNorm(_ x: Tensor, _ weight: Tensor?, _ bias: Tensor?, epsilon: Float) -> (
    y: Tensor, mean: Tensor, reciprocal: Tensor
  ) {
    let (rows, width) = x.rowsAndWidth
    let y = Tensor(uninitialised: x.shape)
    let (mean, reciprocal) = (
      Tensor(uninitialised: [Int(rows)]), Tensor(uninitialised: [Int(rows)])
    )
    let (from, weights, biases) = (x.floats, weight?.floats, bias?.floats)
    let (to, means, reciprocals) = (y.floats, mean.floats, reciprocal.floats)
    run {
      primer_layer_norm_forward(
        $0, rows, width, from, weights, biases, epsilon, to, means, reciprocals)
    }
    return (y, mean, reciprocal)
  }

  static func layerNormGradient(
    _ x: Tensor, _ weight: Tensor?, mean: Tensor, reciprocal: Tensor, _ dy: Tensor,
    into dx: Tensor, adding: Bool, weightGradient: Tensor?, biasGradient: Tensor?
  ) {
    let (rows, width) = x.rowsAndWidth
    primer_layer_norm_backward(
      pool, rows, width, x.floats, weight?.floats, mean.floats, reciprocal.floats, dy.floats,
      adding, dx.floats, weightGradient?.floats, biasGradient?.floats)
  }

  static func rmsNorm(_ x: Tensor, _ weight: Tensor?, offset: Float, epsilon: Float) -> (
    y: Tensor, reciprocal: Tensor
  ) {
    let (rows, width) = x.rowsAndWidth
    let (y, reciprocal) = (Tensor(uninitialised: x.shape), Tensor(uninitialised: [Int(rows)]))
    let (from, weights, to, reciprocals) = (
      x.floats, weight?.floats, y.floats, reciprocal.floats
    )
    run {
      primer_rms_norm_forward($0, rows, width, from, weights, offset, epsilon, to, reciprocals)
    }
    return (y, reciprocal)
  }

  static func rmsNormGradient(
    _ x: Tensor, _ weight: Tensor?, offset: Float, reciprocal: Tensor, _ dy: Tensor,
    into dx: Tensor, adding: Bool, weightGradient: Tensor?
  ) {
    let (rows, width) = x.rowsAndWidth
    primer_rms_norm_backward(
      pool, rows, width, x.floats, weight?.floats, offset, reciprocal.floats, dy.floats, adding,
      dx.floats, weightGradient?.floats)
  }

  static func gather(_ table: Tensor, _ ids: Tensor, scale: Float) -> Tensor {
    let width = table.shape[1]
    let result = Tensor(uninitialised: ids.shape + [width])
    let (count, from, rows, to) = (Int64(ids.count), table.floats, ids.int32s, result.floats)
    run { primer_embedding_gather($0, count, Int64(width), from, rows, scale, to) }
    return result
  }

  static func scatterAdd(_ dy: Tensor, _ ids: Tensor, scale: Float, into target: Tensor) {
    primer_embedding_scatter_add(
      pool, Int64(ids.count), Int64(target.shape[1]), ids.int32s, scale, dy.floats, target.floats)
  }

  /// x [batch, time, heads, headWidth], any outer strides; positions [batch · time].
  static func rotary(_ x: Tensor, _ table: RotaryTable, positions: Tensor, inverse: Bool)
    -> Tensor
  {
    let result = Tensor(uninitialised: x.shape)
    let (batch, time) = (x.shape[0], x.shape[1])
    let x = batch == 1 || x.strides[0] == time * x.strides[1] ? x : x.copied()
    precondition(positions.count == batch * time, "a position for each of \(x.shape)")
    var arguments = primer_rotary_arguments()
    arguments.rows = Int64(batch * time)
    arguments.heads = Int64(x.shape[2])
    arguments.head_width = Int64(x.shape[3])
    arguments.rotary_width = Int64(table.cosines.shape[1] * 2)
    arguments.positions = UnsafePointer(positions.int32s)
    arguments.cosines = UnsafePointer(table.cosines.floats)
    arguments.sines = UnsafePointer(table.sines.floats)
    arguments.interleaved = table.layout == .interleaved
    arguments.inverse = inverse
    arguments.x = UnsafePointer(x.floats)
    (arguments.x_row_stride, arguments.x_head_stride) = (Int64(x.strides[1]), Int64(x.strides[2]))
    arguments.y = result.floats
    (arguments.y_row_stride, arguments.y_head_stride) = (
      Int64(result.strides[1]), Int64(result.strides[2])
    )
    PassRecording.current?.limit(positions: table.positions)
    run { [arguments] pool in
      // The model may have a longer one by the time of a replay.
      withExtendedLifetime(table) {
        withUnsafePointer(to: arguments) { primer_rotary(pool, $0) }
      }
    }
    return result
  }

  /// Losses of each row; turns `logits` [rows, vocabulary] into scale · gradient when asked.
  static func crossEntropy(
    _ logits: Tensor, vocabulary: Int, _ targets: Tensor, softCap: Float, gradientScale: Float?,
    losses: Tensor
  ) {
    primer_cross_entropy(
      pool, Int64(logits.shape[0]), Int64(vocabulary), Int64(logits.strides[0]), logits.floats,
      targets.int32s, softCap, gradientScale != nil, gradientScale ?? 0, losses.floats)
  }

  static func dropout(_ x: Tensor, _ dropout: primer_dropout, residual: Tensor?) -> Tensor {
    let result = Tensor(uninitialised: x.shape)
    let samples = x.shape[0]
    var dropout = dropout
    primer_dropout_apply(
      pool, &dropout, Int64(samples), Int64(x.count / max(samples, 1)), x.floats,
      residual?.floats, result.floats)
    return result
  }

  static func adamw(
    _ arguments: primer_adamw_arguments, _ parameter: Tensor, _ gradient: Tensor,
    _ first: Tensor, _ second: Tensor
  ) {
    var arguments = arguments
    primer_adamw(
      pool, &arguments, Int64(parameter.count), parameter.floats, gradient.floats, first.floats,
      second.floats)
  }

  static func muonMomentum(
    _ gradient: Tensor, momentum: Float, gradientScale: Float, moments: Tensor
  ) -> Tensor {
    let result = Tensor(uninitialised: gradient.shape)
    primer_muon_momentum(
      pool, Int64(gradient.count), momentum, true, gradientScale, gradient.floats, moments.floats,
      result.floats)
    return result
  }

  static func decayedStep(_ parameter: Tensor, decayFactor: Float, step: Float, _ direction: Tensor)
  {
    primer_decayed_step(
      pool, Int64(parameter.count), decayFactor, step, direction.floats, parameter.floats)
  }
}

extension Tensor {
  /// Row and column stride of the last two axes, one of which must be 1.
  fileprivate var matrixStrides: (Int64, Int64) {
    let (row, column) = (strides[rank - 2], strides[rank - 1])
    precondition(
      row == 1 || column == 1 || shape[rank - 1] == 1 || shape[rank - 2] == 1,
      "a matrix of shape \(shape) with strides \(strides) has no unit stride")
    if row != 1, column != 1 {
      // One of the axes has a single element, whose stride is never used.
      return shape[rank - 1] == 1 ? (Int64(row), 1) : (1, Int64(column))
    }
    return (Int64(row), Int64(column))
  }
}

extension Kernels {
  static func attentionForward(_ arguments: inout primer_attention_arguments) {
    primer_attention_forward(pool, &arguments)
  }

  static func attentionBackward(_ arguments: inout primer_attention_arguments) {
    primer_attention_backward(pool, &arguments)
  }
}
