import PrimerTensors
import Testing

@Suite("Attention equals PyTorch's, and so do its gradients")
struct AttentionTests {
  let check: OperationCheck

  init() throws { check = try OperationCheck("attention.json") }

  /// Checks `name` under a pattern that may take its tensors from the inputs.
  private func checkPattern(
    _ name: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ pattern: @escaping (inout AttentionPattern, [String: Tensor]) -> Void
  ) throws {
    try check(name, sourceLocation: sourceLocation) { inputs in
      var settings = AttentionPattern()
      pattern(&settings, inputs)
      return attention(
        query: inputs["query"]!, key: inputs["key"]!, value: inputs["value"]!, settings)
    }
  }

  @Test("full and causal")
  func plain() throws {
    try checkPattern("full") { _, _ in }
    try checkPattern("causal") { pattern, _ in pattern.isCausal = true }
    try checkPattern("long") { pattern, _ in pattern.isCausal = true }
  }

  @Test("grouped heads")
  func grouped() throws {
    try checkPattern("grouped") { pattern, _ in pattern.isCausal = true }
  }

  @Test("the scores' factor and cap")
  func scores() throws {
    try checkPattern("scaled") { pattern, _ in pattern.scale = 0.7 }
    try checkPattern("soft_cap") { pattern, _ in
      pattern.isCausal = true
      pattern.softCap = 1.5
    }
  }

  @Test("queries of one sequence, keys of another; queries at the end of the keys, or elsewhere")
  func cross() throws {
    try checkPattern("cross") { _, _ in }
    try checkPattern("causal_offset") { pattern, _ in pattern.isCausal = true }
    try checkPattern("query_offset") { pattern, _ in
      pattern.isCausal = true
      pattern.queryOffset = 2
    }
  }

  @Test("a sliding window")
  func window() throws {
    try checkPattern("window") { pattern, _ in
      pattern.isCausal = true
      pattern.window = 3
    }
    try checkPattern("long_window") { pattern, _ in
      pattern.isCausal = true
      pattern.window = 20
    }
  }

  @Test("packed documents do not see each other")
  func segments() throws {
    try checkPattern("segments") { pattern, inputs in
      pattern.isCausal = true
      pattern.segments = inputs["segments"]
    }
    try checkPattern("segments_both_ways") { $0.segments = $1["segments"] }
  }

  @Test("padding on the left and on the right; a query that sees nothing gives zeros")
  func padding() throws {
    try checkPattern("left_padding") { pattern, inputs in
      pattern.isCausal = true
      pattern.keyBegin = inputs["key_begin"]
    }
    try checkPattern("right_padding") { $0.keyEnd = $1["key_end"] }
  }

  @Test("ALiBi")
  func alibi() throws {
    try checkPattern("alibi") { pattern, inputs in
      pattern.isCausal = true
      pattern.alibiSlopes = inputs["slopes"]
    }
  }

  @Test("a bias of its own, and shared by batch, heads or both, has a gradient")
  func bias() throws {
    try checkPattern("bias") { pattern, inputs in
      pattern.isCausal = true
      pattern.bias = inputs["bias"]
    }
    for name in ["batch", "heads", "all"] {
      try checkPattern("bias_shared_by_\(name)") { $0.bias = $1["bias"] }
    }
  }

  @Test("everything at once")
  func everything() throws {
    try checkPattern("everything") { pattern, inputs in
      pattern.isCausal = true
      pattern.window = 4
      pattern.softCap = 2
      pattern.scale = 0.5
      pattern.bias = inputs["bias"]
      pattern.alibiSlopes = inputs["slopes"]
      pattern.keyEnd = inputs["key_end"]
    }
  }

  @Test("queries, keys and values side by side in one tensor")
  func packed() throws {
    try check("packed") {
      selfAttention(packed: $0["packed"]!, heads: 2, keyValueHeads: 2, .causal)
    }
    try check("packed_grouped") {
      selfAttention(packed: $0["packed"]!, heads: 4, keyValueHeads: 1, .causal)
    }
  }

  @Test("views as operands give what copies give")
  func views() {
    let packed = Tensor.normal([2, 5, 6, 4], seed: 2, stream: 1)
    let parts = packed.split(3, axis: 2)
    let copies = parts.map { Tensor($0.scalars, shape: $0.shape) }
    let ofViews = attention(query: parts[0], key: parts[1], value: parts[2], .causal)
    let ofCopies = attention(query: copies[0], key: copies[1], value: copies[2], .causal)
    #expect(ofViews.scalars == ofCopies.scalars)
  }
}
