import PrimerTensors
import Testing

@Suite("The tape records, forgets, recomputes and reuses")
struct TapeTests {
  /// A small network with every kind of fused gradient; x [8, 12, 16].
  private static func network(
    _ inputs: [Tensor], _ dropped: Dropout? = nil, recomputing: Bool = false
  ) -> Tensor {
    let (x, mix, up, down) = (inputs[0], inputs[1], inputs[2], inputs[3])
    func block(_ x: Tensor) -> Tensor {
      let normed = layerNorm(x, nil, nil, epsilon: 1e-5)
      let mixed = selfAttention(
        packed: linear(normed, mix), heads: 2, keyValueHeads: 2, .causal, dropout: dropped,
        layer: 1)
      let y = PrimerTensors.dropout(mixed, dropped, layer: 2, adding: x)
      return linear(linear(rmsNorm(y, nil, epsilon: 1e-5), up, nil, .gelu), down, adding: y)
    }
    let y = recomputing ? checkpointed(x * 1, block) : block(x * 1)
    let targets = Tensor((0..<96).map { Int32($0 % 48) }, shape: [96])
    return linearCrossEntropy(y, mix, targets, scale: 1 / 96)
  }

  private static let inputs = [[8, 12, 16], [48, 16], [64, 16], [16, 64]].enumerated().map {
    Tensor.normal($1, deviation: 0.5, seed: 4, stream: UInt64($0))
  }

  private static func results(
    _ dropped: Dropout? = nil, recomputing: Bool = false
  ) -> [[Float]] {
    let (value, gradients) = valueWithGradients(at: inputs) {
      network($0, dropped, recomputing: recomputing)
    }
    return [value.scalars] + gradients.map(\.scalars)
  }

  private static let dropping = Dropout(probability: 0.3, seed: 9, step: 4, firstSample: 0)

  @Test("values and gradients are the same bits for any number of threads")
  func threads() {
    let one = ComputePool.$current.withValue(ComputePool(threads: 1)) {
      Self.results(Self.dropping)
    }
    for threads in 2...4 {
      let several = ComputePool.$current.withValue(ComputePool(threads: threads)) {
        Self.results(Self.dropping)
      }
      #expect(several == one, "\(threads) threads")
    }
  }

  @Test("blocks that are computed again give the same bits, with dropout too")
  func checkpoints() {
    #expect(Self.results(recomputing: true) == Self.results())
    #expect(Self.results(Self.dropping, recomputing: true) == Self.results(Self.dropping))
  }

  @Test("a block that is computed again reaches its weights though its input wants no gradient")
  func checkpointOfConstant() {
    let weight = Tensor([2.0, 3], shape: [2])
    let x = Tensor([5.0, 7], shape: [2])
    let (_, gradients) = valueWithGradients(at: [weight]) { inputs in
      checkpointed(x) { $0 * inputs[0] }.sum()
    }
    #expect(gradients[0].scalars == [5, 7])
  }

  @Test("withoutGradients records nothing")
  func recordsNothing() {
    let x = Tensor([1.0, 2], shape: [2]).watched()
    let tape = GradientTape()
    let y = tape.record { withoutGradients { (x * x).sum() } + 0 }
    tape.backward(from: y)
    #expect(x.gradient == nil)
    #expect(y.scalar == 5)
  }

  @Test("outside a tape nothing is recorded")
  func outside() {
    let x = Tensor([1.0, 2], shape: [2]).watched()
    let y = (x * x).sum()
    GradientTape().backward(from: y)
    #expect(x.gradient == nil)
  }

  @Test("a value used many times gets the sum of all gradients")
  func usedTwice() {
    let (_, gradients) = valueWithGradients(at: [Tensor([3.0, -1], shape: [2])]) {
      let x = $0[0]
      return (x + x * x + x * 2 - x).sum()
    }
    #expect(gradients[0].scalars == [8, 0])
  }

  @Test("gradients of several backward passes add up until they are cleared")
  func accumulation() {
    let x = Tensor([1.0, 2, 3], shape: [3]).watched()
    func pass() {
      let tape = GradientTape()
      tape.backward(from: tape.record { (x * x).sum() })
    }
    pass()
    let first = x.gradient!
    pass()
    #expect(x.gradient!.scalars == [4, 8, 12])
    #expect(first.scalars == [2, 4, 6], "a gradient that was handed out is not written")
    x.clearGradient()
    #expect(x.gradient == nil)
  }

  @Test("a detached value stops the gradient")
  func detached() {
    let (_, gradients) = valueWithGradients(at: [Tensor([3.0], shape: [1])]) {
      ($0[0] * $0[0].detached).sum()
    }
    #expect(gradients[0].scalars == [3])
  }

  @Test("a long chain of operations neither overflows the stack forwards nor backwards")
  func longChain() {
    let (_, gradients) = valueWithGradients(at: [Tensor([1.0], shape: [1])]) {
      var x = $0[0]
      for _ in 0..<100_000 { x = x + 0.5 }
      return x.sum()
    }
    #expect(gradients[0].scalars == [1])
  }

  @Test("repeated steps take no new memory after the first")
  func reuse() {
    // Counted by the addresses that a step's tensors have: other tests share the cache meanwhile.
    let sizes = [[1_000_003], [2_000_003]]
    func addresses() -> Set<UInt> {
      Set(
        sizes.map { shape in
          let tensor = Tensor(repeating: 1, shape: shape)
          return UInt(bitPattern: tensor.storage.base)
        })
    }
    var seen = addresses()
    for _ in 0..<20 { seen.formUnion(addresses()) }
    #expect(seen.count == 2)
  }
}
