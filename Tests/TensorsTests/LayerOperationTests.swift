import PrimerTensors
import Testing

@Suite("Products, norms, embeddings and losses equal PyTorch's, and so do their gradients")
struct LayerOperationTests {
  let check: OperationCheck
  let losses: OperationCheck

  init() throws {
    check = try OperationCheck("operations.json")
    losses = try OperationCheck("losses.json")
  }

  @Test("products of all ranks and transpositions")
  func products() throws {
    for name in ["plain", "shared", "batched", "vector"] {
      try check("matmul.\(name)") { matmul($0["a"]!, $0["b"]!) }
    }
    try check("matmul.left_transposed") { matmul($0["a"]!.transposed, $0["b"]!) }
    try check("matmul.right_transposed") { matmul($0["a"]!, $0["b"]!.transposed) }
    try check("matmul.both_transposed") { matmul($0["a"]!.transposed, $0["b"]!.transposed) }
    try check("matmul.heads") {
      matmul($0["a"]!.permuted([0, 2, 1, 3]), $0["b"]!.permuted([0, 2, 3, 1]))
    }
    try check("matmul.large") { matmul($0["a"]!, $0["b"]!) / 8 }
  }

  @Test("a linear layer with each activation", arguments: Activation.allCases)
  func linearLayer(activation: Activation) throws {
    // ReLU's kink may lie within a difference's step.
    let isSmooth = ![.relu, .reluSquared].contains(activation)
    try check("linear.\(activation.rawValue)", differences: isSmooth) {
      linear($0["x"]!, $0["weight"]!, $0["bias"]!, activation)
    }
  }

  @Test("a linear layer without bias, with a residual, of its own input, of a fixed weight")
  func linearForms() throws {
    try check("linear.no_bias") { linear($0["x"]!, $0["weight"]!) }
    try check("linear.residual") {
      linear($0["x"]!, $0["weight"]!, $0["bias"]!, adding: $0["residual"]!)
    }
    try check("linear.own_residual") {
      linear($0["x"]!, $0["weight"]!, $0["bias"]!, adding: $0["x"]!)
    }
    try check("linear.fixed_weight") { linear($0["x"]!, $0["weight"]!, $0["bias"]!) }
    try check("linear.transposed_input") {
      linear($0["x"]!.transposed, $0["weight"]!, $0["bias"]!)
    }
  }

  @Test(
    "linear, activation, linear: the derivative is fused into the second one's gradient",
    arguments: [Activation.gelu, .geluTanh, .silu, .reluSquared, .tanh])
  func chain(activation: Activation) throws {
    try check("chain.\(activation.rawValue)", differences: activation != .reluSquared) {
      linear(
        linear($0["x"]!, $0["up"]!, $0["up_bias"]!, activation), $0["down"]!, $0["down_bias"]!)
    }
  }

  @Test("an activated value that is read twice gets its derivative once")
  func readTwice() throws {
    try check("chain.read_twice") {
      let y = linear($0["x"]!, $0["up"]!, nil, .gelu)
      return linear(y, $0["down"]!) * y
    }
    try check("chain.deep") {
      let y = linear($0["x"]!, $0["a"]!, nil, .gelu)
      return linear(linear(y, $0["b"]!, nil, .silu), $0["c"]!, adding: $0["x"]!)
    }
  }

  @Test("the gradients of a weight that is used twice add up")
  func tied() throws {
    try check("tied") { linear(linear($0["x"]!, $0["w"]!, nil, .gelu), $0["w"]!) }
  }

  @Test("gated activations", arguments: [Activation.silu, .gelu, .relu, .sigmoid])
  func gates(activation: Activation) throws {
    try check("gated.\(activation.rawValue)") { gated(activation, $0["gate"]!, $0["up"]!) }
  }

  @Test("a gate and what it lets through may lie side by side")
  func packedGate() throws {
    try check("gated.packed") {
      let parts = $0["x"]!.split(2, axis: 2)
      return gated(.silu, parts[0], parts[1])
    }
  }

  @Test("layer norm with and without weight and bias")
  func layerNorms() throws {
    for name in ["full", "rows"] {
      try check("layer_norm.\(name)") {
        layerNorm($0["x"]!, $0["weight"]!, $0["bias"]!, epsilon: 1e-5)
      }
    }
    try check("layer_norm.weight") { layerNorm($0["x"]!, $0["weight"]!, nil, epsilon: 1e-5) }
    try check("layer_norm.bare") { layerNorm($0["x"]!, nil, nil, epsilon: 1e-2) }
    try check("norm.residual") {
      layerNorm($0["x"]!, $0["weight"]!, $0["bias"]!, epsilon: 1e-5) + $0["x"]!
    }
  }

  @Test("RMS norm with a weight, an offset, neither")
  func rmsNorms() throws {
    try check("rms_norm.weight") { rmsNorm($0["x"]!, $0["weight"]!, epsilon: 1e-5) }
    try check("rms_norm.offset") { rmsNorm($0["x"]!, $0["weight"]!, offset: 1, epsilon: 1e-6) }
    try check("rms_norm.bare") { rmsNorm($0["x"]!, nil, epsilon: 1e-2) }
  }

  @Test("norms read transposed inputs and weights as what they show")
  func scatteredNorm() {
    let x = Tensor.normal([6, 4], seed: 1, stream: 1)
    let weights = Tensor.normal([6, 2], seed: 1, stream: 2).transposed.sliced(axis: 0, 1..<2)
      .reshaped([6])
    let plain = Tensor(weights.scalars, shape: [6])
    #expect(
      layerNorm(x.transposed, weights, weights, epsilon: 1e-5).scalars
        == layerNorm(x.transposed.contiguous(), plain, plain, epsilon: 1e-5).scalars)
  }

  @Test("rows of an embedding, some of them twice")
  func embeddings() throws {
    try check("embedding") { embedding($0["table"]!, $0["ids"]!, scale: 1.5) }
  }

  @Test("rotary positions in both layouts, of the whole head and of a part")
  func rotaryPositions() throws {
    for layout in [RotaryTable.Layout.halves, .interleaved] {
      for (kind, used) in [("full", 4), ("partial", 2)] {
        let frequencies = [1, 0.1, 0.01, 0.001].prefix(used)
        let table = RotaryTable(frequencies: Array(frequencies), positions: 10, layout: layout)
        try check("rotary.\(layout.rawValue).\(kind)") {
          rotary($0["x"]!, table, positions: $0["positions"]!.reshaped([10]))
        }
      }
    }
  }

  @Test("cross-entropy: sum, mean, ignored targets, capped logits")
  func crossEntropies() throws {
    try losses("cross_entropy.sum") { crossEntropy($0["logits"]!, $0["targets"]!) }
    try losses("cross_entropy.mean") {
      crossEntropy($0["logits"]!, $0["targets"]!, scale: 1 / 6)
    }
    try losses("cross_entropy.soft_cap") {
      crossEntropy($0["logits"]! * 3, $0["targets"]!, softCap: 2)
    }
  }

  @Test(
    "the fused output layer and loss, whole and in several parts", arguments: [1 << 20, 100, 1])
  func linearCrossEntropies(logitBytes: Int) throws {
    try losses("linear_cross_entropy.sum") {
      linearCrossEntropy($0["hidden"]!, $0["weight"]!, $0["targets"]!, logitBytes: logitBytes)
    }
    try losses("linear_cross_entropy.soft_cap") {
      linearCrossEntropy(
        $0["hidden"]!, $0["weight"]!, $0["targets"]!, scale: 1 / 6, softCap: 2,
        logitBytes: logitBytes)
    }
    try losses("linear_cross_entropy.padded") {
      linearCrossEntropy(
        $0["hidden"]!, $0["weight"]!, $0["targets"]!, scale: 1 / 6, vocabulary: 11,
        logitBytes: logitBytes)
    }
    try losses("linear_cross_entropy.rows") {
      linearCrossEntropy(
        $0["hidden"]!, $0["weight"]!, $0["targets"]!, scale: 1 / 6, logitBytes: logitBytes)
    }
  }

  @Test("a loss with no target that counts is 0, and so is its gradient")
  func nothingCounts() {
    let logits = Tensor.normal([3, 5], seed: 1, stream: 1)
    let targets = Tensor([Int32](repeating: -1, count: 3), shape: [3])
    let (value, gradients) = valueWithGradients(at: [logits]) { crossEntropy($0[0], targets) }
    #expect(value.scalar == 0)
    #expect(gradients[0].scalars.allSatisfy { $0 == 0 })
  }
}
