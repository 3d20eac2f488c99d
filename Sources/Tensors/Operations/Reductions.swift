internal import CKernels

/// Sums, means, maxima. Sums are taken in an order that the shape alone decides.
extension Tensor {
  /// The sum of all elements, shape [].
  public func sum() -> Tensor { reduced(PRIMER_SUM, axis: nil, keepingAxis: false) }
  /// The mean of all elements, shape [].
  public func mean() -> Tensor { sum() / Float(max(count, 1)) }

  /// The sum along `axis` (negative: from the last).
  public func sum(axis: Int, keepingAxis: Bool = false) -> Tensor {
    reduced(PRIMER_SUM, axis: axis, keepingAxis: keepingAxis)
  }

  /// The mean along `axis`.
  public func mean(axis: Int, keepingAxis: Bool = false) -> Tensor {
    let length = shape[axis < 0 ? rank + axis : axis]
    return sum(axis: axis, keepingAxis: keepingAxis) / Float(max(length, 1))
  }

  /// The largest element along `axis`; no gradient.
  public func maximum(axis: Int, keepingAxis: Bool = false) -> Tensor {
    detached.reduced(PRIMER_MAX, axis: axis, keepingAxis: keepingAxis)
  }

  /// The smallest element along `axis`; no gradient.
  public func minimum(axis: Int, keepingAxis: Bool = false) -> Tensor {
    detached.reduced(PRIMER_MIN, axis: axis, keepingAxis: keepingAxis)
  }

  /// Index of the first maximum along the last axis, int32.
  public func argmax() -> Tensor { Kernels.argmax(detached.contiguous()) }

  /// Σ x² in double precision, the same for any thread count.
  package func sumOfSquares() -> Double { Kernels.sumOfSquares(detached.contiguous()) }

  private func reduced(_ operation: primer_reduction, axis: Int?, keepingAxis: Bool) -> Tensor {
    let x = contiguous()
    let axis = axis.map { $0 < 0 ? rank + $0 : $0 }
    precondition(axis.map { $0 >= 0 && $0 < rank } ?? true, "axis \(axis!) of \(shape)")
    let outer = axis.map { shape[..<$0].reduce(1, *) } ?? 1
    let length = axis.map { shape[$0] } ?? count
    let inner = axis.map { shape[($0 + 1)...].reduce(1, *) } ?? 1
    var keptShape = shape
    if let axis { keptShape[axis] = 1 } else { keptShape = shape.map { _ in 1 } }
    var resultShape = keptShape
    if !keepingAxis { if let axis { resultShape.remove(at: axis) } else { resultShape = [] } }
    let result = Tensor(uninitialised: resultShape)
    Kernels.reduce(
      operation, x, outer: outer, length: length, inner: inner, into: result)
    return result.recorded(from: x) { [shape, keptShape] dy in
      x.node?.accumulate(dy.reshaped(keptShape).broadcast(to: shape))
    }
  }
}

/// Softmax over the last axis.
public func softmax(_ x: Tensor) -> Tensor {
  let x = x.contiguous()
  let y = Kernels.softmax(x)
  return y.recorded(from: x) { dy in x.node?.accumulate(Kernels.softmaxGradient(y, dy)) }
}

/// ln softmax over the last axis.
public func logSoftmax(_ x: Tensor) -> Tensor {
  let x = x.contiguous()
  let y = Kernels.logSoftmax(x)
  return y.recorded(from: x) { dy in
    // dx = dy - softmax · Σ dy
    x.node?.accumulate(dy - y.exp() * dy.sum(axis: -1, keepingAxis: true))
  }
}
