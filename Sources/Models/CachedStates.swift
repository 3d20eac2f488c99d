internal import PrimerFiles
package import PrimerLayers
package import PrimerTensors

extension LanguageModel {
  /// Hidden states [tokens, width] of the parts' new tokens, which count as read afterwards. Their room
  /// must have been reserved.
  ///
  /// While a cache lives, only passes of models whose weights stay as they are may run over it.
  package func cachedStates(_ tokens: [Int32], _ parts: [CachedBatch.Part]) -> Tensor {
    precondition(
      tokens.allSatisfy { $0 >= 0 && $0 < vocabulary },
      "a token id outside the embedding of \(vocabulary) rows")
    let passes = parts[0].sequence.cache.recordedPasses
    if passes.short >= WovenModel.patience && !head.headsWovenModel { WovenModel.weave(self) }
    let states = passes.states(tokens, parts, of: RecordedModel(head: head), hidden)
    for part in parts { part.sequence.advance(by: part.count) }
    return states.reshaped([tokens.count, -1])
  }
}

/// Models that write more than a few tokens: their matrices are laid out for that.
enum WovenModel {
  /// Passes of few tokens after which weaving pays.
  static let patience = 64
  /// Woven rows take at most so much of the memory that is left.
  private static let memoryShare = 4

  /// Weaves the rows of all matrices but the head, whose rows are looked up, if there is memory for it.
  static func weave(_ model: some LanguageModel) {
    model.head.headsWovenModel = true
    let matrices = model.parameters.filter { $0.role == .matrix && $0.value.wovenByteCount != nil }
      .map(\.value)
    let bytes = matrices.reduce(0) { $0 + $1.wovenByteCount! }
    guard bytes <= AvailableMemory.byteCount / memoryShare else { return }
    Tensor.weave(matrices)
  }
}
