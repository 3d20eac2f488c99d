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
    x, nil,
    [
      Kernels.StoredProduct(
        weight: weight, bias: bias, residual: residual?.contiguous(), result: result)
    ], gated: false, activation)
  return result
}

/// A layer's weight [outputs, inputs] and bias [outputs].
public typealias LayerWeights = (weight: Tensor, bias: Tensor?)

/// RMS norm of a layer's input: x/√(mean x² + epsilon) · (weight + offset) over the last axis.
public struct InputNorm {
  let weight: Tensor
  let offset, epsilon: Float

  public init(_ weight: Tensor, offset: Float, epsilon: Float) {
    self.weight = weight
    self.offset = offset
    self.epsilon = epsilon
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    rmsNorm(x, weight, offset: offset, epsilon: epsilon)
  }
}

/// norm(x)·weightᵀ + bias for each of up to three layers on the same x; one pass over x where their
/// weights are stored in other types than f32.
public func linears(
  _ x: Tensor, norm: InputNorm? = nil, _ layers: [LayerWeights]
) -> [Tensor] {
  let (x, norm) = prepared(x, norm, layers)
  guard isStored(layers) else { return layers.map { linear(x, $0.weight, $0.bias) } }
  let products = layers.map { layer in
    Kernels.StoredProduct(
      weight: layer.weight, bias: layer.bias, residual: nil,
      result: Tensor(uninitialised: x.shape.dropLast() + [layer.weight.shape[0]]))
  }
  Kernels.storedProducts(x, norm, products, gated: false, .identity)
  return products.map(\.result)
}

/// activation(gate(norm(x))) · up(norm(x)), in one pass where the weights are stored in other types than
/// f32.
public func gatedLinear(
  _ x: Tensor, norm: InputNorm? = nil, _ activation: Activation, gate: LayerWeights,
  up: LayerWeights
) -> Tensor {
  let (x, norm) = prepared(x, norm, [gate, up])
  guard isStored([gate, up]) else {
    return gated(
      activation, linear(x, gate.weight, gate.bias), linear(x, up.weight, up.bias))
  }
  let result = Tensor(uninitialised: x.shape.dropLast() + [gate.weight.shape[0]])
  Kernels.storedProducts(x, norm, inside(gate, up, result), gated: true, activation)
  return result
}

/// down(activation(gate(norm(x))) · up(norm(x))) + residual. With quantised weights what is inside is
/// rounded where it arises, and never written as f32.
public func gatedFeedForward(
  _ x: Tensor, norm: InputNorm? = nil, _ activation: Activation, gate: LayerWeights,
  up: LayerWeights, down: LayerWeights, adding residual: Tensor? = nil
) -> Tensor {
  guard isStored([gate, up, down]), areQuantised([gate, up, down]) else {
    let inside = gatedLinear(x, norm: norm, activation, gate: gate, up: up)
    return linear(inside, down.weight, down.bias, adding: residual)
  }
  let (x, norm) = prepared(x, norm, [gate, up])
  let result = Tensor(uninitialised: x.shape.dropLast() + [down.weight.shape[0]])
  Kernels.storedFeedForward(
    x, norm, inside(gate, up, result), activation,
    down: Kernels.StoredProduct(
      weight: down.weight, bias: down.bias, residual: residual?.contiguous(), result: result))
  return result
}

private func inside(
  _ gate: LayerWeights, _ up: LayerWeights, _ result: Tensor
) -> [Kernels.StoredProduct] {
  [gate, up].map {
    Kernels.StoredProduct(weight: $0.weight, bias: $0.bias, residual: nil, result: result)
  }
}

/// The input as the layers' products take it: normed already, unless they do that while they round it.
private func prepared(
  _ x: Tensor, _ norm: InputNorm?, _ layers: [LayerWeights]
) -> (x: Tensor, norm: InputNorm?) {
  guard isStored(layers) else { return (norm?(x) ?? x, nil) }
  guard let norm, areQuantised(layers) else { return ((norm?(x) ?? x).contiguous(), nil) }
  return (x.contiguous(), norm)
}

/// Whether the layers' products can be computed together: stored weights, and nobody wants gradients.
private func isStored(_ layers: [LayerWeights]) -> Bool {
  precondition(layers.count <= 3, "\(layers.count) layers in one pass; at most 3")
  return GradientTape.current == nil && layers.allSatisfy { $0.weight.elementType != .float32 }
}

private func areQuantised(_ layers: [LayerWeights]) -> Bool {
  layers.allSatisfy { $0.weight.elementType.isQuantised }
}
