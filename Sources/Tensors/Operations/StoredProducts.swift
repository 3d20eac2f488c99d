/// `linear` with a weight in its file's own element type: x is rounded to int8 in blocks of 32 where
/// the weight is quantised. The gradient reaches x alone.
func storedLinear(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation,
  adding residual: Tensor?
) -> Tensor {
  if GradientTape.current != nil, x.node != nil || residual?.node != nil || bias?.node != nil {
    return linear(x, weight.converted(to: .float32), bias, activation, adding: residual)
  }
  let x = x.contiguous()
  let result = Tensor(uninitialised: x.shape.dropLast() + [weight.shape[0]])
  Kernels.storedProducts(
    x,
    [
      Kernels.StoredProduct(
        weight: weight, bias: bias, residual: residual?.contiguous(), result: result)
    ], gated: false, activation)
  return result
}

/// x·weightᵀ + bias for each of up to three layers on the same x; one pass over x where their
/// weights are stored in other types than f32.
public func linears(_ x: Tensor, _ layers: [(weight: Tensor, bias: Tensor?)]) -> [Tensor] {
  guard isStored(layers) else { return layers.map { linear(x, $0.weight, $0.bias) } }
  let x = x.contiguous()
  let products = layers.map { layer in
    Kernels.StoredProduct(
      weight: layer.weight, bias: layer.bias, residual: nil,
      result: Tensor(uninitialised: x.shape.dropLast() + [layer.weight.shape[0]]))
  }
  Kernels.storedProducts(x, products, gated: false, .identity)
  return products.map(\.result)
}

/// activation(gate(x)) · up(x), in one pass where the weights are stored in other types than f32.
public func gatedLinear(
  _ x: Tensor, _ activation: Activation, gate: (weight: Tensor, bias: Tensor?),
  up: (weight: Tensor, bias: Tensor?)
) -> Tensor {
  guard isStored([gate, up]) else {
    return gated(
      activation, linear(x, gate.weight, gate.bias), linear(x, up.weight, up.bias))
  }
  let x = x.contiguous()
  let result = Tensor(uninitialised: x.shape.dropLast() + [gate.weight.shape[0]])
  Kernels.storedProducts(
    x,
    [gate, up].map {
      Kernels.StoredProduct(weight: $0.weight, bias: $0.bias, residual: nil, result: result)
    }, gated: true, activation)
  return result
}

/// Whether the layers' products can be computed together: stored weights, and nobody wants gradients.
private func isStored(_ layers: [(weight: Tensor, bias: Tensor?)]) -> Bool {
  precondition(layers.count <= 3, "\(layers.count) layers in one pass; at most 3")
  return GradientTape.current == nil && layers.allSatisfy { $0.weight.elementType != .float32 }
}
