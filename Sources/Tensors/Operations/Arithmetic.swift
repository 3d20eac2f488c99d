internal import CKernels

/// Element-wise arithmetic. Shapes are equal after repeating axes of length 1 and missing leading
/// axes.
extension Tensor {
  public static func + (a: Tensor, b: Tensor) -> Tensor {
    combine(PRIMER_ADD, a, b) { dy, _, _ in (dy, dy) }
  }

  public static func - (a: Tensor, b: Tensor) -> Tensor {
    combine(PRIMER_SUBTRACT, a, b) { dy, _, _ in (dy, -dy) }
  }

  public static func * (a: Tensor, b: Tensor) -> Tensor {
    combine(PRIMER_MULTIPLY, a, b) { dy, a, b in (dy * b, dy * a) }
  }

  public static func / (a: Tensor, b: Tensor) -> Tensor {
    combine(PRIMER_DIVIDE, a, b) { dy, a, b in (dy / b, -(dy * a) / (b * b)) }
  }

  public static func * (a: Tensor, scale: Float) -> Tensor { a.scaled(by: scale, plus: 0) }
  public static func * (scale: Float, a: Tensor) -> Tensor { a.scaled(by: scale, plus: 0) }
  public static func + (a: Tensor, shift: Float) -> Tensor { a.scaled(by: 1, plus: shift) }
  public static func - (a: Tensor, shift: Float) -> Tensor { a.scaled(by: 1, plus: -shift) }
  public static func / (a: Tensor, divisor: Float) -> Tensor { a.scaled(by: 1 / divisor, plus: 0) }
  public static prefix func - (a: Tensor) -> Tensor { a.scaled(by: -1, plus: 0) }

  /// scale · x + shift
  public func scaled(by scale: Float, plus shift: Float) -> Tensor {
    Kernels.scaleShift(self, scale: scale, shift: shift).recorded(from: self) { [node] dy in
      node?.accumulate(Kernels.scaleShift(dy, scale: scale, shift: 0))
    }
  }

  /// The larger of each pair; where equal, the gradient goes to `a`.
  public static func maximum(_ a: Tensor, _ b: Tensor) -> Tensor {
    choose(PRIMER_MAXIMUM, a, b)
  }

  /// The smaller of each pair; where equal, the gradient goes to `a`.
  public static func minimum(_ a: Tensor, _ b: Tensor) -> Tensor {
    choose(PRIMER_MINIMUM, a, b)
  }

  private static func choose(_ operation: primer_binary, _ a: Tensor, _ b: Tensor) -> Tensor {
    combine(operation, a, b) { dy, a, b in
      let shape = broadcastShape(a.shape, b.shape)
      let (left, right) = (a.broadcast(to: shape).scalars, b.broadcast(to: shape).scalars)
      let fromLeft = zip(left, right).map {
        (operation == PRIMER_MAXIMUM ? $0 >= $1 : $0 <= $1) ? Float(1) : 0
      }
      let mask = Tensor(fromLeft, shape: shape)
      return (dy * mask, dy * (mask.scaled(by: -1, plus: 1)))
    }
  }

  private static func combine(
    _ operation: primer_binary, _ a: Tensor, _ b: Tensor,
    gradients: @escaping (_ dy: Tensor, _ a: Tensor, _ b: Tensor) -> (Tensor, Tensor)
  ) -> Tensor {
    let shape = broadcastShape(a.shape, b.shape)
    return elementwise(operation, a.detached, b.detached, shape).recorded(from: a, b) { dy in
      let (da, db) = gradients(dy, a.detached, b.detached)
      a.node?.accumulate(da.summed(to: a.shape))
      b.node?.accumulate(db.summed(to: b.shape))
    }
  }

  private static func elementwise(
    _ operation: primer_binary, _ a: Tensor, _ b: Tensor, _ shape: [Int]
  ) -> Tensor {
    let a = a.broadcast(to: shape).contiguous()
    // A trailing part of the shape, a leading part of it, or one value: no copy is needed.
    if b.isContiguous, Array(shape.suffix(b.rank)) == b.shape {
      return Kernels.binary(operation, a, b)
    }
    if b.isContiguous, b.rank == shape.count,
      let split = b.shape.firstIndex(of: 1), b.shape[split...].allSatisfy({ $0 == 1 }),
      Array(shape[..<split]) == Array(b.shape[..<split])
    {
      return Kernels.binary(operation, a, b, repeated: shape[split...].reduce(1, *))
    }
    return Kernels.binary(operation, a, b.broadcast(to: shape).contiguous())
  }

  private static func broadcastShape(_ a: [Int], _ b: [Int]) -> [Int] {
    let rank = max(a.count, b.count)
    let left = [Int](repeating: 1, count: rank - a.count) + a
    let right = [Int](repeating: 1, count: rank - b.count) + b
    return zip(left, right).map { pair in
      precondition(
        pair.0 == pair.1 || pair.0 == 1 || pair.1 == 1, "shapes \(a) and \(b) do not combine")
      return pair.0 == 1 ? pair.1 : pair.0
    }
  }
}
