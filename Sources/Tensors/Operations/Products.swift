internal import CKernels

/// Product of `a` [.., m, k] and `b` [k, n] or [.., k, n]; shape [.., m, n]. Leading axes are equal
/// or missing in `b`.
public func matmul(_ a: Tensor, _ b: Tensor) -> Tensor {
  precondition(
    a.rank >= 2 && b.rank >= 2 && a.shape[a.rank - 1] == b.shape[b.rank - 2],
    "product of \(a.shape) and \(b.shape)")
  let (m, n) = (a.shape[a.rank - 2], b.shape[b.rank - 1])
  let leading = Array(a.shape.dropLast(2))
  precondition(
    b.rank == 2 || Array(b.shape.dropLast(2)) == leading, "product of \(a.shape) and \(b.shape)")
  let result = Tensor(uninitialised: leading + [m, n])
  let (left, right) = (a.asBatch(), b.rank == 2 ? b.detached.withUnitStride() : b.asBatch())
  Kernels.matmul(left, right, into: result.asBatch())
  return result.recorded(from: a, b) { dy in
    let dy = dy.contiguous()
    a.node?.accumulate { target, adding in
      let target = target.asBatch()
      Kernels.matmul(
        dy.asBatch(), right.swapped, into: target, .init(residual: adding ? target : nil))
    }
    b.node?.accumulate { target, adding in
      let residual = adding ? target : nil
      if b.rank == 2 {
        // One product over all rows at once.
        let rows = a.detached.contiguous().flattenedRows()
        Kernels.matmul(
          rows.swapped, dy.flattenedRows(), into: target, .init(residual: residual))
      } else {
        Kernels.matmul(
          left.swapped, dy.asBatch(), into: target.asBatch(),
          .init(residual: residual?.asBatch()))
      }
    }
  }
}

/// activation(x · weightᵀ + bias) + residual: x [.., inputs], weight [outputs, inputs], bias
/// [outputs]; shape [.., outputs].
///
/// One pass over memory. When the next operation is a `linear` too, its gradient applies this
/// activation's derivative.
public func linear(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, _ activation: Activation = .identity,
  adding residual: Tensor? = nil
) -> Tensor {
  precondition(
    weight.rank == 2 && x.shape.last == weight.shape[1],
    "linear layer of weight \(weight.shape) on \(x.shape)")
  precondition(activation == .identity || residual == nil, "no residual after an activation")
  guard weight.elementType == .float32 else {
    return storedLinear(x, weight, bias, activation, adding: residual)
  }
  let (x, bias, residual) = (x.contiguous(), bias?.contiguous(), residual?.contiguous())
  let result = Tensor(uninitialised: x.shape.dropLast() + [weight.shape[0]])
  let isTracked = GradientTape.current != nil
  let preactivation =
    isTracked && activation != .identity ? Tensor(uninitialised: result.shape) : nil
  let rows = x.flattenedRows()
  Kernels.matmul(
    rows, weight.detached.swapped, into: result.flattenedRows(),
    .init(
      bias: bias?.detached, preactivation: preactivation, activation: activation,
      residual: residual?.detached))
  let output = result.recorded(from: [x, weight] + [bias, residual].compactMap { $0 }) { dy in
    residual?.node?.accumulate(dy)
    propagateLinear(x, rows, weight, bias, dy.contiguous())
  }
  guard let node = output.node, let preactivation else { return output }
  node.activated = (activation, preactivation)
  node.propagate = { [unowned node] dy in
    let derived =
      node.derivativeIsApplied ? dy : Kernels.activationGradient(activation, preactivation, dy)
    propagateLinear(x, rows, weight, bias, derived.contiguous())
  }
  return output
}

/// Gradients of y = x·wᵀ + b: dx = dy·w, dw = dyᵀ·x, db = Σ dy.
private func propagateLinear(
  _ x: Tensor, _ rows: Tensor, _ weight: Tensor, _ bias: Tensor?, _ dy: Tensor
) {
  let dy = dy.flattenedRows()
  if let node = x.node {
    let fused = node.consumers == 1 ? node.activated : nil
    node.derivativeIsApplied = fused != nil
    node.accumulate { target, adding in
      let target = target.flattenedRows()
      Kernels.matmul(
        dy, weight.detached, into: target,
        .init(
          activation: fused?.activation ?? .identity,
          derivativeAt: fused?.preactivation.flattenedRows(), residual: adding ? target : nil))
    }
  }
  let biasGradient = bias?.node?.gradientToAddTo()
  if let node = weight.node {
    node.accumulate { target, adding in
      Kernels.matmul(
        dy.swapped, rows, into: target,
        .init(residual: adding ? target : nil, rowSums: biasGradient))
    }
  } else if let biasGradient {
    Kernels.reduce(
      PRIMER_SUM, dy, outer: 1, length: dy.shape[0], inner: dy.shape[1], into: biasGradient,
      adding: true)
  }
}

extension Tensor {
  /// All axes but the last folded into one, without a record; must be contiguous.
  func flattenedRows() -> Tensor {
    precondition(isContiguous)
    let width = shape.last ?? 1
    let rows = width == 0 ? 0 : count / width
    return Tensor(
      storage: storage, shape: [rows, width], strides: [width, 1], offset: offset,
      elementType: elementType)
  }

  /// The last two axes exchanged, without a record.
  var swapped: Tensor {
    var (newShape, newStrides) = (shape, strides)
    newShape.swapAt(rank - 2, rank - 1)
    newStrides.swapAt(rank - 2, rank - 1)
    return Tensor(
      storage: storage, shape: newShape, strides: newStrides, offset: offset,
      elementType: elementType)
  }

  /// A matrix that a product reads in place, else a copy that it does.
  func withUnitStride() -> Tensor {
    let isReadable =
      strides[rank - 1] == 1 || strides[rank - 2] == 1 || shape[rank - 1] == 1
      || shape[rank - 2] == 1
    return isReadable ? self : copied()
  }

  /// [batch, m, n] with the leading axes folded, without a record; copies where they do not fold.
  func asBatch() -> Tensor {
    let matrix = Array(shape.suffix(2))
    let leading = rank - 2
    var source = detached.withUnitStride()
    for axis in 0..<max(0, leading - 1)
    where source.strides[axis] != source.strides[axis + 1] * shape[axis + 1] {
      source = source.copied()
      break
    }
    let batch = shape.prefix(leading).reduce(1, *)
    let batchStride = leading == 0 ? 0 : source.strides[leading - 1]
    return Tensor(
      storage: source.storage, shape: [batch] + matrix,
      strides: [batchStride] + source.strides.suffix(2), offset: source.offset,
      elementType: elementType)
  }
}
