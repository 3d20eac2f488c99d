internal import CKernels

/// The non-linearities of feed-forward layers.
public enum Activation: String, Codable, Sendable, CaseIterable {
  case identity
  /// x·Φ(x) (Hendrycks & Gimpel 2016, arXiv 1606.08415), exact.
  case gelu
  /// GELU's tanh form, as GPT-2 has it.
  case geluTanh = "gelu_tanh"
  /// x·σ(x)
  case silu
  case relu
  /// max(x, 0)² (So et al. 2021, arXiv 2109.08668)
  case reluSquared = "relu_squared"
  case sigmoid
  case tanh
  /// x·σ(1.702x)
  case quickGELU = "quick_gelu"

  var kernel: primer_activation {
    switch self {
    case .identity: PRIMER_IDENTITY
    case .gelu: PRIMER_GELU_ERF
    case .geluTanh: PRIMER_GELU_TANH
    case .silu: PRIMER_SILU
    case .relu: PRIMER_RELU
    case .reluSquared: PRIMER_RELU_SQUARED
    case .sigmoid: PRIMER_SIGMOID
    case .tanh: PRIMER_TANH
    case .quickGELU: PRIMER_QUICK_GELU
    }
  }

  /// The activation of each element.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    if self == .identity { return x }
    let x = x.contiguous()
    return Kernels.activation(self, x).recorded(from: x) { dy in
      x.node?.accumulate(Kernels.activationGradient(self, x, dy))
    }
  }
}

/// activation(gate) · up, the inside of a gated feed-forward (Shazeer 2020, arXiv 2002.05202);
/// equal shapes.
public func gated(_ activation: Activation, _ gate: Tensor, _ up: Tensor) -> Tensor {
  precondition(gate.shape == up.shape, "gate \(gate.shape), up \(up.shape)")
  return Kernels.gated(activation, gate, up).recorded(from: gate, up) { dy in
    let gradients = Kernels.gatedGradient(activation, gate, up, dy)
    gate.node?.accumulate(gradients.gate)
    up.node?.accumulate(gradients.up)
  }
}
