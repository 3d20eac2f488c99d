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
    rate: Float(rate), beta1: Float(beta1), beta2: Float(beta2), epsilon: Float(epsilon),
    weight_decay: Float(weightDecay), gradient_scale: gradientScale,
    bias_correction1: 1 - power(beta1, Double(update)),
    bias_correction2: 1 - power(beta2, Double(update)))
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

/// About U·Vᵀ of the singular value decomposition U·S·Vᵀ of `matrix` [m, n]: five steps of the
/// quintic Newton-Schulz iteration with Muon's coefficients, after which all singular values lie
/// near 1 (within about 0.7 ... 1.2).
package func orthogonalised(_ matrix: Tensor) -> Tensor {
  precondition(matrix.rank == 2, "orthogonalised needs a matrix, not \(matrix.shape)")
  let isTall = matrix.shape[0] > matrix.shape[1]
  let norm = Float(matrix.sumOfSquares().squareRoot())
  var x = (isTall ? matrix.detached.transposed : matrix.detached)
    .scaled(by: 1 / (norm + 1e-7), plus: 0)
  let (a, b, c): (Float, Float, Float) = (3.4445, -4.7750, 2.0315)
  for _ in 0..<5 {
    let (rows, columns) = (x.shape[0], x.shape[1])
    let gram = Tensor(uninitialised: [rows, rows])
    Kernels.matmul(x, x.swapped, into: gram)
    // polynomial = b · gram + c · gram²
    let polynomial = gram.scaled(by: b, plus: 0)
    Kernels.matmul(gram, gram, into: polynomial, alpha: c, .init(residual: polynomial))
    let next = Tensor(uninitialised: [rows, columns])
    Kernels.matmul(polynomial, x, into: next, .init(residual: x.scaled(by: a, plus: 0)))
    x = next
  }
  return isTall ? x.transposed.contiguous() : x
}
