import PrimerLayers
import PrimerModels
import PrimerTensors
import Testing

@Suite("A model that writes")
struct WovenModelTests {
  /// Matrices of which no more can be woven, and all that could have been at first.
  private func matrices(_ model: any LanguageModel) -> [Tensor] {
    model.parameters.filter { $0.role == .matrix }.map(\.value)
  }

  private func read(
    _ model: any LanguageModel, _ tokens: Range<Int32>, _ sequence: CachedSequence
  ) -> [[Float]] {
    tokens.map { token in
      #expect(sequence.reserve(1))
      return model.scores(model.cachedStates([token * 37 % 1003], [(sequence, 1)])).scalars
    }
  }

  @Test(
    "has its matrices woven, and writes the same bytes",
    arguments: [
      (ServedModel.llama, [ElementType.q4_0]), (.llama, [.q8_0]), (.llama, [.q5_1]),
      (.wideLlama, [.q4_K, .q6_K]), (.gemma2, [.q8_0]), (.mixtral, [.q4_0]), (.llama, [.float16]),
      (.gemma2, [.bfloat16]),
    ])
  func same(kind: ServedModel, types: [ElementType]) throws {
    let (model, other) = (try kind.model(types, seed: 3), try kind.model(types, seed: 3))
    let woven = CachedSequence(model.makeCache(capacity: 100))
    let canBeWoven = matrices(model).count { $0.wovenByteCount != nil }
    var found = read(model, 0..<60, woven)
    #expect(matrices(model).count { $0.wovenByteCount != nil } == canBeWoven)
    found += read(model, 60..<90, woven)
    #expect(model.head.headsWovenModel)
    #expect(matrices(model).allSatisfy { $0.wovenByteCount == nil })
    // As files have them: two caches, neither of which sees enough.
    let sequence = CachedSequence(other.makeCache(capacity: 100))
    var expected = read(other, 0..<50, sequence)
    let rest = CachedSequence(other.makeCache(capacity: 100))
    #expect(rest.reserve(50))
    _ = other.cachedStates((Int32(0)..<50).map { $0 * 37 % 1003 }, [(rest, 50)])
    expected += read(other, 50..<90, rest)
    #expect(!other.head.headsWovenModel)
    #expect(found == expected)
    if ComputePool.instructionSet != "portable" { #expect(canBeWoven > 0) }
  }
}
