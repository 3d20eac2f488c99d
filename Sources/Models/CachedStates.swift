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
    let states = passes.states(tokens, parts, of: ObjectIdentifier(head), hidden)
    for part in parts { part.sequence.advance(by: part.count) }
    return states.reshaped([tokens.count, -1])
  }
}
