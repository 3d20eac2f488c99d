import PrimerTensors
import Testing

@Suite("A recorded pass")
struct PassRecordingTests {
  private let table = Tensor((0..<40).map { Float($0 % 7) - 3 }, shape: [10, 4])
  private let weight = Tensor((0..<12).map { Float($0 % 5) / 4 }, shape: [3, 4])
  private let norm = Tensor([1, 0.5, 2, -1], shape: [4])

  /// Of several kernels, whose results lie where earlier ones lay.
  private func pass(_ ids: Tensor) -> Tensor {
    let x = embedding(table, ids)
    let turned = Tensor.concatenated([x, x], axis: 1).sliced(axis: 1, 2..<6)
    let y = rmsNorm(x + turned, norm, epsilon: 1e-5)
    return linear(Activation.gelu(y).scaled(by: 2, plus: 1), weight)
  }

  @Test("gives for other inputs the bytes of the pass itself, each time")
  func replays() {
    let ids = Tensor([1, 2, 3] as [Int32], shape: [3])
    let recording = PassRecording(inputs: [ids])
    let result = recording.record { pass(ids) }
    #expect(recording.isComplete)
    #expect(result.scalars == pass(ids).scalars)
    let pools = [1, 2, 3].map { ComputePool(threads: $0) }
    for round in 0..<9 {
      let next = (0..<3).map { Int32(($0 * 3 + round) % 10) }
      ids.overwrite(next)
      ComputePool.$current.withValue(pools[round % 3]) { recording.replay() }
      #expect(result.scalars == pass(Tensor(next, shape: [3])).scalars)
    }
  }

  @Test("may read its inputs, and is not complete once it reads a result")
  func reading() {
    let ids = Tensor([1, 2, 3] as [Int32], shape: [3])
    let recording = PassRecording(inputs: [ids])
    _ = recording.record { ids.integers }
    #expect(recording.isComplete)
    _ = recording.record { pass(ids).scalars }
    #expect(!recording.isComplete)
  }

  @Test("is not complete where the host writes, or a kernel cannot be run again")
  func unrepeatable() {
    let x = Tensor(repeating: 1, shape: [2, 2])
    let outside: [() -> Void] = [
      { _ = Tensor([1, 2] as [Float], shape: [2]) }, { _ = Tensor(repeating: 0, shape: [2]) },
      { _ = softmax(x) }, { x.withScalars { _ in } }, { x.withMutableScalars { _ in } },
    ]
    for (number, body) in outside.enumerated() {
      let recording = PassRecording(inputs: [])
      recording.record(body)
      #expect(!recording.isComplete, "\(number)")
      #expect(PassRecording.isPossible)
    }
  }

  @Test("does not disturb what outlives it: memory of its own is given back to it alone")
  func memory() {
    let ids = Tensor([1, 2, 3] as [Int32], shape: [3])
    let recording = PassRecording(inputs: [ids])
    let result = recording.record { pass(ids) }
    let kept = result.copied()
    let expected = kept.scalars
    let others = (0..<20).map { Tensor(repeating: Float($0), shape: [3, 4]) }
    ids.overwrite([7, 8, 9])
    recording.replay()
    #expect(kept.scalars == expected && result.scalars != expected)
    for (number, other) in others.enumerated() {
      #expect(other.scalars.allSatisfy { $0 == Float(number) })
    }
  }

  @Test("runs what stands beside its kernels at each replay, and is not made under a tape")
  func beside() {
    final class Count: @unchecked Sendable { var value = 0 }
    let count = Count()
    let recording = PassRecording(inputs: [])
    recording.record { PassRecording.perform { count.value += 1 } }
    recording.replay()
    recording.replay()
    #expect(count.value == 3)
    GradientTape().record { #expect(!PassRecording.isPossible) }
    recording.record { #expect(!PassRecording.isPossible) }
  }
}
