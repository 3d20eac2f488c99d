/// Layer norm (Ba et al. 2016, arXiv 1607.06450) over the last axis: (x - mean)/√(variance +
/// epsilon) · weight + bias.
public func layerNorm(_ x: Tensor, _ weight: Tensor?, _ bias: Tensor?, epsilon: Float) -> Tensor {
  let width = x.shape.last ?? 1
  precondition(
    (weight ?? bias).map { $0.shape == [width] } ?? true,
    "norm weight \(weight?.shape ?? []) on \(x.shape)")
  let (x, weight, bias) = (x.contiguous(), weight?.contiguous(), bias?.contiguous())
  let (y, mean, reciprocal) = Kernels.layerNorm(
    x.detached, weight?.detached, bias?.detached, epsilon: epsilon)
  return y.recorded(from: [x] + [weight, bias].compactMap { $0 }) { dy in
    let weightGradient = weight?.node?.gradientToAddTo()
    let biasGradient = bias?.node?.gradientToAddTo()
    let node = x.node ?? Node(shape: x.shape)
    node.accumulate { target, adding in
      Kernels.layerNormGradient(
        x, weight?.detached, mean: mean, reciprocal: reciprocal, dy.contiguous(), into: target,
        adding: adding, weightGradient: weightGradient, biasGradient: biasGradient)
    }
  }
}

/// RMS norm (Zhang & Sennrich 2019, arXiv 1910.07467) over the last axis: x/√(mean x² + epsilon) ·
/// (weight + offset).
public func rmsNorm(_ x: Tensor, _ weight: Tensor?, offset: Float = 0, epsilon: Float) -> Tensor {
  precondition(
    weight.map { $0.shape == [x.shape.last ?? 1] } ?? true,
    "norm weight \(weight?.shape ?? []) on \(x.shape)")
  let (x, weight) = (x.contiguous(), weight?.contiguous())
  let (y, reciprocal) = Kernels.rmsNorm(
    x.detached, weight?.detached, offset: offset, epsilon: epsilon)
  return y.recorded(from: [x] + [weight].compactMap { $0 }) { dy in
    let weightGradient = weight?.node?.gradientToAddTo()
    let node = x.node ?? Node(shape: x.shape)
    node.accumulate { target, adding in
      Kernels.rmsNormGradient(
        x, weight?.detached, offset: offset, reciprocal: reciprocal, dy.contiguous(),
        into: target, adding: adding, weightGradient: weightGradient)
    }
  }
}
