internal import CKernels

/// Functions of each element.
extension Tensor {
  /// eˣ
  public func exp() -> Tensor { apply(PRIMER_EXP) { dy, _, y in dy * y } }
  /// ln x
  public func log() -> Tensor { apply(PRIMER_LOG) { dy, x, _ in dy / x } }
  public func sqrt() -> Tensor { apply(PRIMER_SQRT) { dy, _, y in dy / (2 * y) } }
  public func squared() -> Tensor { apply(PRIMER_SQUARE) { dy, x, _ in dy * x * 2 } }
  public func sin() -> Tensor { apply(PRIMER_SIN) { dy, x, _ in dy * x.cos() } }
  public func cos() -> Tensor { apply(PRIMER_COS) { dy, x, _ in -(dy * x.sin()) } }
  /// 1 / x
  public func reciprocal() -> Tensor {
    apply(PRIMER_RECIPROCAL) { dy, _, y in -(dy * y * y) }
  }
  /// |x|; its gradient at 0 is 0.
  public func absolute() -> Tensor {
    apply(PRIMER_ABSOLUTE) { dy, x, _ in
      dy * Tensor(x.scalars.map { $0 > 0 ? Float(1) : $0 < 0 ? -1 : 0 }, shape: x.shape)
    }
  }

  private func apply(
    _ operation: primer_unary,
    gradient: @escaping (_ dy: Tensor, _ x: Tensor, _ y: Tensor) -> Tensor
  ) -> Tensor {
    let x = contiguous()
    let y = Kernels.unary(operation, x)
    return y.recorded(from: x) { dy in
      x.node?.accumulate(gradient(dy, x.detached, y))
    }
  }

  /// The same numbers as another element type; the gradient comes back as f32.
  public func converted(to type: ElementType) -> Tensor {
    if type == elementType { return self }
    return Kernels.convert(self, to: type).recorded(from: self) { [node] dy in
      node?.accumulate(Kernels.convert(dy, to: .float32))
    }
  }
}
