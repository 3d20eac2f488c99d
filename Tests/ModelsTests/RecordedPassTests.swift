import PrimerLayers
import PrimerModels
import PrimerTensors
import Testing

@Suite("Passes over a cache are replayed")
struct RecordedPassTests {
  /// Logits of `tokens` one after another, and how many passes were replays.
  private func read(
    _ model: any LanguageModel, _ tokens: [Int32], capacity: Int
  ) -> (logits: [[Float]], replays: Int) {
    let cache = model.makeCache(capacity: capacity)
    let sequence = CachedSequence(cache)
    let logits = tokens.map { token in
      #expect(sequence.reserve(1))
      return model.scores(model.cachedStates([token], [(sequence, 1)])).scalars
    }
    return (logits, cache.recordedPasses.replays)
  }

  private func tokens(_ count: Int) -> [Int32] { (0..<count).map { Int32($0 * 37 % 1003) } }

  @Test(
    "for every stored type",
    arguments: [
      (ServedModel.llama, [ElementType.q4_0]), (.llama, [.q8_0]), (.llama, [.float16]),
      (.llama, [.float32]), (.wideLlama, [.q4_K, .q6_K]), (.gemma2, [.q8_0]), (.gemma2, [.float16]),
    ])
  func types(kind: ServedModel, types: [ElementType]) throws {
    #expect(read(try kind.model(types, seed: 3), tokens(6), capacity: 8).replays == 5)
  }

  @Test("but not where experts are chosen by what a pass computes")
  func experts() throws {
    let (logits, replays) = read(
      try ServedModel.mixtral.model([.q8_0], seed: 3), tokens(6), capacity: 8)
    #expect(replays == 0)
    #expect(Set(logits).count == 6)
  }

  @Test("with longer tables of rotary positions, once a text needs them")
  func longTexts() throws {
    let model = try ServedModel.llama.model([.q4_0], seed: 3)
    let text = tokens(300)
    let (logits, replays) = read(model, text, capacity: 300)
    #expect(replays > 280)
    let sequence = CachedSequence(model.makeCache(capacity: 300))
    #expect(sequence.reserve(300))
    let pass = ForwardPass(cached: CachedBatch([(sequence, 300)]))
    let together = model.logits(Tensor(text, shape: [1, 300]), pass).scalars
    #expect(logits.flatMap { $0 } == together)
  }

  @Test("without keeping the pages of texts that have ended")
  func pages() throws {
    let model = try ServedModel.llama.model([.q4_0], seed: 3)
    let cache = model.makeCache(sequences: 2, capacity: 64)
    for _ in 0..<3 {
      let sequences = [CachedSequence(cache), CachedSequence(cache)]
      for sequence in sequences { #expect(sequence.reserve(2)) }
      _ = model.cachedStates([1, 2, 3, 4], sequences.map { ($0, 2) })
      withExtendedLifetime(sequences) { #expect(cache.freePages == cache.pageCount - 2) }
    }
    #expect(cache.recordedPasses.replays == 2)
    #expect(cache.freePages == cache.pageCount)
  }

  @Test("as many as are worth it: of few tokens, and few at once")
  func bounds() throws {
    let model = try ServedModel.llama.model([.q4_0], seed: 3)
    let cache = model.makeCache(capacity: 512)
    func read(_ count: Int) {
      let sequence = CachedSequence(cache)
      #expect(sequence.reserve(count))
      _ = model.cachedStates(tokens(count), [(sequence, count)])
    }
    for _ in 0..<2 { for count in [33, 64] { read(count) } }
    #expect(cache.recordedPasses.replays == 0)
    for _ in 0..<2 { for count in 1...9 { read(count) } }
    #expect(cache.recordedPasses.replays == 0)
    for count in 2...9 { read(count) }
    #expect(cache.recordedPasses.replays == 8)
  }
}
