internal import PrimerFiles
internal import PrimerLayers
internal import PrimerModels
internal import PrimerTensors
internal import Synchronization

/// Finds the likeliest next tokens without the logits of all others: what a greedy choice is by, and
/// nothing more.
///
/// The output head is the largest matrix of a small model with many tokens: two thirds of Gemma-3-270M. A
/// coarse copy of it, made once enough tokens were asked for, tells which few can be the likeliest.
package final class LikeliestTokens: Sendable {
  private struct State {
    var asked = 0
    var head: CoarseMatrix?
    /// Whether there is to be no copy: it would not help, or there is no memory for it.
    var isHopeless = false
    /// Tokens for which it is not asked, and how many that are after the next failure.
    var pause = 0
    var nextPause = shortestPause
    var told = 0
  }

  /// Tokens after which a copy is made, for which about as many take what it takes.
  private static let patience = 64
  private static let shortestPause = 2
  private static let longestPause = 512
  /// The copy takes at most so much of the memory that is left.
  private static let memoryShare = 4

  private let state = Mutex(State())

  /// Bytes of the copy; 0 where there is none.
  package var copyByteCount: Int { state.withLock { $0.head?.byteCount ?? 0 } }

  /// How many tokens the copy could tell.
  package var told: Int { state.withLock { $0.told } }

  /// The likeliest token behind each of `states` [tokens, width].
  func next(behind states: Tensor, by model: any LanguageModel) -> [Int32] {
    let none = [[Int: Float]](repeating: [:], count: states.shape[0])
    var found = tokens(states, by: model, vocabulary: model.vocabulary, biases: none)
    let rest = found.indices.filter { found[$0] == nil }
    if !rest.isEmpty {
      let best = model.scores(states.rows(rest)).argmax().integers
      for (row, token) in zip(rest, best) { found[row] = token }
    }
    return found.map { $0! }
  }

  /// For each of `states` [tokens, width]: the likeliest token below `vocabulary` after its `biases` were
  /// added, the first of equals; nil where only all logits can tell.
  func tokens(
    _ states: Tensor, by model: any LanguageModel, vocabulary: Int, biases: [[Int: Float]]
  ) -> [Int32?] {
    guard let head = head(of: model, for: biases.count) else {
      return [Int32?](repeating: nil, count: biases.count)
    }
    let found = head.largest(states, limit: vocabulary, without: biases.map { Array($0.keys) })
    count(failures: found.count { $0 == nil }, of: found.count)
    return zip(found, biases).enumerated().map { index, pair in
      guard let (row, product) = pair.0 else { return nil }
      guard !pair.1.isEmpty else { return Int32(row) }
      let state = states.sliced(axis: 0, index..<index + 1)
      return Self.likeliest((row, product), pair.1, vocabulary) { head.products(state, rows: $0) }
    }
  }

  /// The best of `unbiased` and of the tokens with a bias.
  private static func likeliest(
    _ unbiased: (row: Int, product: Float), _ biases: [Int: Float], _ vocabulary: Int,
    _ products: ([Int]) -> [Float]
  ) -> Int32? {
    let rows = biases.keys.filter { $0 < vocabulary }
    var best = unbiased
    guard !rows.isEmpty else { return Int32(best.row) }
    for (row, product) in zip(rows, products(rows)) {
      let value = product + biases[row]!
      // +infinity or no number: a case for those who repair logits.
      guard product.isFinite, value < .infinity else { return nil }
      if value > best.product || value == best.product && row < best.row { best = (row, value) }
    }
    return Int32(best.row)
  }

  private func head(of model: any LanguageModel, for count: Int) -> CoarseMatrix? {
    state.withLock { state in
      state.asked += count
      if let head = state.head {
        guard state.pause == 0 else {
          state.pause = max(0, state.pause - count)
          return nil
        }
        return head
      }
      guard !state.isHopeless, state.asked >= Self.patience else { return nil }
      state.head = Self.copy(of: model)
      state.isHopeless = state.head == nil
      return state.head
    }
  }

  private static func copy(of model: any LanguageModel) -> CoarseMatrix? {
    guard let bytes = byteCount(for: model), bytes <= AvailableMemory.byteCount / memoryShare
    else { return nil }
    return CoarseMatrix(rounding: model.head.value)
  }

  /// Bytes of the copy that a model's head may get; nil where it gets none.
  static func byteCount(for model: any LanguageModel) -> Int? {
    // A cap makes equals of what is not.
    model.logitCap == nil ? CoarseMatrix.byteCount(for: model.head.value) : nil
  }

  private func count(failures: Int, of count: Int) {
    state.withLock { state in
      state.told += count - failures
      if 2 * failures > count {
        state.pause = state.nextPause
        state.nextPause = min(2 * state.nextPause, Self.longestPause)
      } else {
        state.nextPause = max(state.nextPause / 2, Self.shortestPause)
      }
    }
  }
}

extension Tensor {
  /// Some rows of [rows, width]; itself where they are all.
  func rows(_ wanted: [Int]) -> Tensor {
    wanted.count == shape[0]
      ? self : embedding(self, Tensor(wanted.map { Int32($0) }, shape: [wanted.count]))
  }
}
