package import PrimerTensors

/// The passes over a cache that can be replayed. Between the kernels of a token of a small model the rest
/// of a pass takes as long as a seventh of them; of a replay it takes nothing.
package final class RecordedPasses {
  /// Rows of a pass worth recording; with more, kernels take so long that nothing else matters.
  private static let mostRows = 32
  /// Passes that are remembered, each with memory for what lies between its kernels.
  private static let mostPasses = 8
  /// Passes in a row that could not be recorded, after which no further is tried.
  private static let mostFailures = 3

  /// The latest first.
  private var passes: [RecordedPass] = []
  private var failures = 0
  /// How many passes were replays.
  package private(set) var replays = 0
  /// How many passes were of few tokens.
  package private(set) var short = 0

  /// Hidden states [1, tokens, width] of the parts' new tokens by `hidden`: as it gives them, or by a
  /// replay of an earlier pass of as many tokens of the same `model`.
  package func states(
    _ tokens: [Int32], _ parts: [CachedBatch.Part], of model: RecordedModel,
    _ hidden: (Tensor, ForwardPass) -> Tensor
  ) -> Tensor {
    if tokens.count <= Self.mostRows { short += 1 }
    if let index = passes.firstIndex(where: { $0.isPass(of: model, tokens.count) }) {
      let pass = passes.remove(at: index)
      if pass.replay(tokens, CachedBatch.rows(of: parts)) {
        replays += 1
        passes.insert(pass, at: 0)
        return pass.states.copied()
      }
    }
    let batch = CachedBatch(parts)
    let input = Tensor(tokens, shape: [1, tokens.count])
    guard
      tokens.count <= Self.mostRows, failures < Self.mostFailures, PassRecording.isPossible
    else { return hidden(input, ForwardPass(cached: batch)) }
    let pass = RecordedPass(model, input, batch, hidden)
    failures = pass.isComplete ? 0 : failures + 1
    guard pass.isComplete else { return pass.states }
    passes.insert(pass, at: 0)
    if passes.count > Self.mostPasses { passes.removeLast() }
    return pass.states.copied()
  }
}

/// What passes are of: kernels of a model whose rows were woven since look elsewhere.
package struct RecordedModel: Equatable {
  let head: ObjectIdentifier
  let isWoven: Bool

  package init(head: Parameter) {
    self.head = ObjectIdentifier(head)
    isWoven = head.headsWovenModel
  }
}

/// One of them. Holds the rows, but not the sequences, whose pages are free when these end.
private final class RecordedPass {
  private let model: RecordedModel
  private let tokens: Tensor
  private let rows: CacheRows
  private let recording: PassRecording
  /// What the latest replay, or the pass itself, gave.
  let states: Tensor

  init(
    _ model: RecordedModel, _ tokens: Tensor, _ batch: CachedBatch,
    _ hidden: (Tensor, ForwardPass) -> Tensor
  ) {
    self.model = model
    self.tokens = tokens
    rows = batch.rows
    recording = PassRecording(inputs: [tokens, batch.rows.positions])
    states = recording.record { hidden(tokens, ForwardPass(cached: batch)) }
  }

  var isComplete: Bool { recording.isComplete }

  func isPass(of model: RecordedModel, _ count: Int) -> Bool {
    self.model == model && tokens.count == count
  }

  /// False where tables of the pass do not reach so far: there are longer ones now, and it is of no more use.
  func replay(_ tokens: [Int32], _ rows: [CacheRows.Sequence]) -> Bool {
    self.rows.set(rows)
    guard self.rows.furthest < recording.positions else { return false }
    self.tokens.overwrite(tokens)
    recording.replay()
    return true
  }
}
