internal import PrimerFiles
internal import PrimerLayers
internal import PrimerModels
internal import PrimerTensors
internal import Synchronization

/// Finds the likeliest next tokens without the logits of all others: what a greedy choice is by, and
/// nothing more.
///
/// The output head is the largest matrix of a small model with many tokens: two thirds of Gemma-3-270M. A
/// coarse copy of it, made once enough tokens were asked for, tells which few can be the likeliest. It has
/// four bits a weight, and five where that turns out to leave too many.
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
    /// Of this copy: how often it was asked, and how many rows it left in all.
    var trials = 0
    var candidates = 0
  }

  /// Tokens after which a copy is made, for which about as many take what it takes.
  private static let patience = 64
  private static let shortestPause = 2
  private static let longestPause = 512
  /// A copy with four bits may leave so small a part of the rows, over so many trials: a fifth bit is read
  /// in the time in which about that many rows are multiplied.
  private static let fewestTrials = 16
  private static let widenedAt = 1.0 / 32
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
    count(found, by: head, of: model)
    return zip(found, biases).enumerated().map { index, pair in
      guard let largest = pair.0 else { return nil }
      guard !pair.1.isEmpty else { return Int32(largest.row) }
      let state = states.sliced(axis: 0, index..<index + 1)
      return Self.likeliest(largest, pair.1, vocabulary) { head.products(state, rows: $0) }
    }
  }

  /// The best of `unbiased` and of the tokens with a bias.
  private static func likeliest(
    _ unbiased: CoarseMatrix.Largest, _ biases: [Int: Float], _ vocabulary: Int,
    _ products: ([Int]) -> [Float]
  ) -> Int32? {
    let rows = biases.keys.filter { $0 < vocabulary }
    var best = (row: unbiased.row, product: unbiased.product)
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
      state.head = Self.copy(of: model, bits: 4) ?? Self.copy(of: model, bits: 5)
      state.isHopeless = state.head == nil
      return state.head
    }
  }

  private static func copy(of model: any LanguageModel, bits: Int) -> CoarseMatrix? {
    guard let bytes = byteCount(for: model, bits: bits),
      bytes <= AvailableMemory.byteCount / memoryShare
    else { return nil }
    return CoarseMatrix(rounding: model.head.value, bits: bits)
  }

  /// Bytes of the copy that a model's head may get; nil where it gets none.
  static func byteCount(for model: any LanguageModel, bits: Int = 5) -> Int? {
    // A cap makes equals of what is not.
    model.logitCap == nil ? CoarseMatrix.byteCount(for: model.head.value, bits: bits) : nil
  }

  private func count(
    _ found: [CoarseMatrix.Largest?], by head: CoarseMatrix, of model: any LanguageModel
  ) {
    let failures = found.count { $0 == nil }
    state.withLock { state in
      state.told += found.count - failures
      state.trials += found.count
      state.candidates += found.reduce(0) { $0 + ($1?.candidates ?? head.mostCandidates) }
      guard !Self.isTooCoarse(head, state) else {
        // Without memory for it, the one that there is stays.
        state.head = Self.copy(of: model, bits: 5) ?? head
        (state.trials, state.candidates) = (0, 0)
        return
      }
      if 2 * failures > found.count {
        state.pause = state.nextPause
        state.nextPause = min(2 * state.nextPause, Self.longestPause)
      } else {
        state.nextPause = max(state.nextPause / 2, Self.shortestPause)
      }
    }
  }

  private static func isTooCoarse(_ head: CoarseMatrix, _ state: State) -> Bool {
    let rows = Double(head.rows * max(state.trials, fewestTrials))
    return head.bits == 4 && state.head === head && Double(state.candidates) > widenedAt * rows
  }
}

extension Tensor {
  /// Some rows of [rows, width]; itself where they are all.
  func rows(_ wanted: [Int]) -> Tensor {
    wanted.count == shape[0]
      ? self : embedding(self, Tensor(wanted.map { Int32($0) }, shape: [wanted.count]))
  }
}
