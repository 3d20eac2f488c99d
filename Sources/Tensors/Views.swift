/// Other looks at the same elements. None copies, except `reshaped` of a view whose elements are
/// scattered.
extension Tensor {
  /// The same elements in row-major order without gaps; itself when they are already.
  public func contiguous() -> Tensor {
    if isContiguous { return self }
    let result = copied()
    return result.recorded(from: self) { [node] in node?.accumulate($0) }
  }

  /// A fresh copy, unknown to the tape.
  package func copied() -> Tensor {
    let result = Tensor(uninitialised: shape, elementType)
    Kernels.copy(self, to: result)
    return result
  }

  /// The same elements in another shape; one axis may be -1, which is worked out.
  public func reshaped(_ newShape: [Int]) -> Tensor {
    var newShape = newShape
    if let open = newShape.firstIndex(of: -1) {
      let rest = newShape.reduce(1) { $1 == -1 ? $0 : $0 * $1 }
      newShape[open] = rest == 0 ? 0 : count / rest
    }
    precondition(newShape.reduce(1, *) == count, "cannot reshape \(shape) to \(newShape)")
    let source = contiguous()
    let view = Tensor(
      storage: source.storage, shape: newShape, strides: Tensor.contiguousStrides(newShape),
      offset: source.offset, elementType: elementType)
    return view.recorded(from: source) { [shape = source.shape] gradient in
      source.node?.accumulate(gradient.reshaped(shape))
    }
  }

  /// Axes in another order: `x.permuted([0, 2, 1, 3])`.
  public func permuted(_ axes: [Int]) -> Tensor {
    precondition(axes.sorted() == Array(0..<rank), "\(axes) is no order of \(rank) axes")
    let view = Tensor(
      storage: storage, shape: axes.map { shape[$0] }, strides: axes.map { strides[$0] },
      offset: offset, elementType: elementType)
    var inverse = axes
    for (index, axis) in axes.enumerated() { inverse[axis] = index }
    return view.recorded(from: self) { [node, inverse] gradient in
      node?.accumulate(gradient.permuted(inverse))
    }
  }

  /// The last two axes exchanged.
  public var transposed: Tensor {
    precondition(rank >= 2, "transposed needs two axes, not \(shape)")
    return permuted(Array(0..<rank - 2) + [rank - 1, rank - 2])
  }

  /// Elements `range` along `axis`.
  public func sliced(axis: Int, _ range: Range<Int>) -> Tensor {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= shape[axis],
      "slice \(range) of axis \(axis) of \(shape)")
    var newShape = shape
    newShape[axis] = range.count
    let view = Tensor(
      storage: storage, shape: newShape, strides: strides,
      offset: offset + range.lowerBound * strides[axis], elementType: elementType)
    return view.recorded(from: self) { [node] gradient in
      node?.accumulate { target, adding in
        if !adding { Kernels.fill(target, 0) }
        Kernels.addStrided(gradient, into: target.sliced(axis: axis, range))
      }
    }
  }

  /// Equal pieces along `axis`.
  public func split(_ pieces: Int, axis: Int) -> [Tensor] {
    precondition(shape[axis] % pieces == 0, "\(pieces) pieces of axis \(axis) of \(shape)")
    let length = shape[axis] / pieces
    return (0..<pieces).map { sliced(axis: axis, $0 * length..<($0 + 1) * length) }
  }

  /// Axes of length 1, and missing leading ones, repeated to `newShape` without copying.
  public func broadcast(to newShape: [Int]) -> Tensor {
    if newShape == shape { return self }
    precondition(newShape.count >= rank, "cannot broadcast \(shape) to \(newShape)")
    let missing = newShape.count - rank
    var newStrides = [Int](repeating: 0, count: newShape.count)
    for axis in 0..<rank {
      precondition(
        shape[axis] == newShape[missing + axis] || shape[axis] == 1,
        "cannot broadcast \(shape) to \(newShape)")
      newStrides[missing + axis] = shape[axis] == 1 ? 0 : strides[axis]
    }
    let view = Tensor(
      storage: storage, shape: newShape, strides: newStrides, offset: offset,
      elementType: elementType)
    return view.recorded(from: self) { [node, shape] gradient in
      node?.accumulate(gradient.summed(to: shape))
    }
  }

  /// The sum over every axis along which `target` would be repeated to this shape.
  package func summed(to target: [Int]) -> Tensor {
    var result = self
    while result.rank > target.count { result = result.sum(axis: 0) }
    for axis in 0..<target.count where target[axis] == 1 && result.shape[axis] != 1 {
      result = result.sum(axis: axis, keepingAxis: true)
    }
    return result
  }

  /// Tensors of equal shape but for `axis`, one after another along it.
  public static func concatenated(_ parts: [Tensor], axis: Int) -> Tensor {
    precondition(!parts.isEmpty, "nothing to concatenate")
    var shape = parts[0].shape
    shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
    let result = Tensor(uninitialised: shape, parts[0].elementType)
    var ranges: [Range<Int>] = []
    var start = 0
    for part in parts {
      let range = start..<start + part.shape[axis]
      Kernels.copy(part, to: result.sliced(axis: axis, range))
      ranges.append(range)
      start = range.upperBound
    }
    return result.recorded(from: parts) { [ranges] gradient in
      for (part, range) in zip(parts, ranges) {
        part.node?.accumulate(gradient.sliced(axis: axis, range))
      }
    }
  }
}

extension Tensor {
  /// Writes `source` over these elements; only for the owner of the storage, never under a tape.
  package func overwrite(with source: Tensor) { Kernels.copy(source.detached, to: self) }
}
