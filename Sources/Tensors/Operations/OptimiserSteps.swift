internal import CKernels

/// One AdamW update of `parameter`, in place, with its moments; PyTorch's order of operations.
package func adamWStep(
  _ parameter: Tensor, _ gradient: Tensor, first: Tensor, second: Tensor, rate: Double,
  beta1: Double, beta2: Double, epsilon: Double, weightDecay: Double, update: Int,
  gradientScale: Float
) {
  precondition(
    parameter.isContiguous && gradient.isContiguous && parameter.count == gradient.count,
    "gradient \(gradient.shape) of parameter \(parameter.shape)")
  let arguments = primer_adamw_arguments(
    rate: rate, beta1: beta1, beta2: beta2, weight_decay: weightDecay,
    bias_correction1: 1 - power(beta1, Double(update)),
    bias_correction2: 1 - power(beta2, Double(update)), epsilon: Float(epsilon),
    gradient_scale: gradientScale)
  Kernels.adamw(arguments, parameter, gradient, first, second)
}

/// Muon's Nesterov momentum: moments = momentum · moments + g; the result is g + momentum ·
/// moments.
package func muonMomentum(
  _ gradient: Tensor, moments: Tensor, momentum: Float, gradientScale: Float
) -> Tensor {
  Kernels.muonMomentum(
    gradient.contiguous(), momentum: momentum, gradientScale: gradientScale, moments: moments)
}

/// parameter = decayFactor · parameter - step · direction, in place.
package func decayedStep(
  _ parameter: Tensor, decayFactor: Float, step: Float, _ direction: Tensor
) {
  Kernels.decayedStep(parameter, decayFactor: decayFactor, step: step, direction.contiguous())
}

/// About U·Vᵀ of the singular value decomposition U·S·Vᵀ of `matrix` [m, n]; see the one for several.
package func orthogonalised(_ matrix: Tensor) -> Tensor { orthogonalised([matrix])[0] }

/// About U·Vᵀ of the singular value decompositions U·S·Vᵀ of matrices of one shape [m, n]: five steps of the
/// quintic Newton-Schulz iteration with Muon's coefficients, after which all singular values lie near 1
/// (within about 0.7 ... 1.2). Side by side, so that small matrices keep all threads busy.
package func orthogonalised(_ matrices: [Tensor]) -> [Tensor] {
  precondition(
    matrices.allSatisfy { $0.rank == 2 && $0.shape == matrices[0].shape },
    "orthogonalised needs matrices of one shape, not \(matrices.map(\.shape))")
  let isTall = matrices[0].shape[0] > matrices[0].shape[1]
  var x = stackedUnits(matrices.map { isTall ? $0.detached.transposed : $0.detached })
  let (batch, rows) = (x.shape[0], x.shape[1])
  let (a, b, c): (Float, Float, Float) = (3.4445, -4.7750, 2.0315)
  for _ in 0..<5 {
    let gram = Tensor(uninitialised: [batch, rows, rows])
    Kernels.matmul(x, x.swapped, into: gram)
    // polynomial = b · gram + c · gram²
    let polynomial = gram.scaled(by: b, plus: 0)
    Kernels.matmul(gram, gram, into: polynomial, alpha: c, .init(residual: polynomial))
    let next = Tensor(uninitialised: x.shape)
    Kernels.matmul(polynomial, x, into: next, .init(residual: x.scaled(by: a, plus: 0)))
    x = next
  }
  return (0..<batch).map { number in
    let matrix = x.sliced(axis: 0, number..<number + 1).reshaped(Array(x.shape.dropFirst()))
    return isTall ? matrix.transposed.contiguous() : matrix
  }
}

/// [count, m, n]: each matrix divided by its Frobenius norm.
private func stackedUnits(_ matrices: [Tensor]) -> Tensor {
  let stack = Tensor(uninitialised: [matrices.count] + matrices[0].shape)
  for (number, matrix) in matrices.enumerated() {
    let norm = Float(matrix.sumOfSquares().squareRoot())
    let unit = matrix.scaled(by: 1 / (norm + 1e-7), plus: 0)
    stack.sliced(axis: 0, number..<number + 1).overwrite(with: unit.reshaped([1] + unit.shape))
  }
  return stack
}
