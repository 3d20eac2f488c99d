import PrimerTensors
import Testing

@Suite("Dropout")
struct DropoutTests {
  private let key = Dropout(probability: 0.25, seed: 1, step: 2, firstSample: 0)

  @Test("drops its share, scales the rest, and adds the residual")
  func share() {
    let x = Tensor(repeating: 1, shape: [40, 1000])
    let y = dropout(x, key, layer: 3).scalars
    #expect(Set(y) == [0, 1 / 0.75])
    let dropped = Double(y.count { $0 == 0 }) / 40_000
    // Four standard deviations of a share of 40,000 draws.
    #expect(abs(dropped - 0.25) < 4 * (0.25 * 0.75 / 40_000).squareRoot())
    let sum = dropout(x, key, layer: 3, adding: Tensor(repeating: 2, shape: [40, 1000])).scalars
    #expect(sum == y.map { $0 + 2 })
  }

  @Test("gradients pass where the value passed")
  func gradients() {
    let (x, residual) = (
      Tensor(repeating: 1, shape: [4, 10]), Tensor(repeating: 0, shape: [4, 10])
    )
    let (_, gradients) = valueWithGradients(at: [x, residual]) {
      dropout($0[0], key, layer: 3, adding: $0[1]).sum()
    }
    #expect(gradients[0].scalars == dropout(x, key, layer: 3).scalars)
    #expect(gradients[1].scalars == [Float](repeating: 1, count: 40))
  }

  @Test(
    "a sample's fate depends on its number in the whole batch, the step, the layer and the seed")
  func keys() {
    let x = Tensor(repeating: 1, shape: [6, 50])
    let whole = dropout(x, key, layer: 3).scalars
    let later = Dropout(probability: 0.25, seed: 1, step: 2, firstSample: 4)
    #expect(
      dropout(x.sliced(axis: 0, 4..<6), later, layer: 3).scalars == Array(whole.suffix(100)))
    #expect(dropout(x, key, layer: 4).scalars != whole)
    let others = [
      Dropout(probability: 0.25, seed: 2, step: 2, firstSample: 0),
      Dropout(probability: 0.25, seed: 1, step: 3, firstSample: 0),
    ]
    for other in others { #expect(dropout(x, other, layer: 3).scalars != whole) }
  }

  @Test("in attention, values and gradients are those of masked probabilities")
  func attentionDropout() {
    // Values of one-hot rows show the probabilities as they were used.
    let (queries, keys) = (5, 5)
    let q = Tensor.normal([1, queries, 1, 5], seed: 3, stream: 1)
    let k = Tensor.normal([1, keys, 1, 5], seed: 3, stream: 2)
    let identity = (0..<25).map { $0 / 5 == $0 % 5 ? Float(1) : 0 }
    let v = Tensor(identity, shape: [1, keys, 1, 5])
    let plain = attention(query: q, key: k, value: v, AttentionPattern()).scalars
    let used = attention(
      query: q, key: k, value: v, AttentionPattern(), dropout: key, layer: 2
    ).scalars
    let mask = zip(used, plain).map { ($0 / $1 * 0.75).rounded() }
    #expect(Set(mask) == [0, 1])
    for (a, (b, m)) in zip(used, zip(plain, mask)) { #expect(abs(a - b * m / 0.75) < 1e-6) }

    let dy = Tensor.normal([1, queries, 1, 5], seed: 3, stream: 4)
    let fused = valueWithGradients(at: [q, k, v]) {
      (attention(query: $0[0], key: $0[1], value: $0[2], AttentionPattern(), dropout: key, layer: 2)
        * dy).sum()
    }.gradients
    let composed = valueWithGradients(at: [q, k, v]) {
      let (q, k, v) = ($0[0].reshaped([5, 5]), $0[1].reshaped([5, 5]), $0[2].reshaped([5, 5]))
      let weights = softmax(matmul(q, k.transposed) / Float(5).squareRoot())
      let masked = weights * Tensor(mask.map { $0 / 0.75 }, shape: [5, 5])
      return (matmul(masked, v).reshaped([1, 5, 1, 5]) * dy).sum()
    }.gradients
    for (a, b) in zip(fused, composed) {
      for (x, y) in zip(a.scalars, b.scalars) { #expect(abs(x - y) < 1e-5) }
    }
  }
}
