import Foundation
import PrimerLayers
import PrimerModels
import PrimerTensors
import TestSupport
import Testing

/// Texts and the logits that each token has when all are read one by one, on one thread.
private struct ServedTexts {
  let model: any LanguageModel
  let element: CacheElement
  let texts: [[Int32]]
  private(set) var logits: [[[Float]]] = []

  init(_ model: any LanguageModel, _ element: CacheElement, _ lengths: [Int]) {
    self.model = model
    self.element = element
    texts = lengths.enumerated().map { text, length in
      (0..<length).map { Int32(($0 * $0 * 31 + 7 * $0 + 101 * text) % model.vocabulary) }
    }
    logits = ComputePool.$current.withValue(ComputePool(threads: 1)) {
      texts.map { text in
        let sequence = CachedSequence(model.makeCache(capacity: text.count, element: element))
        return text.map { token in
          precondition(sequence.reserve(1))
          let pass = ForwardPass(cached: CachedBatch([(sequence, 1)]))
          return model.logits(Tensor([token], shape: [1, 1]), pass).scalars
        }
      }
    }
  }

  /// Reads all texts in one cache, in chunks and batches by chance; the first token whose logits differ, or nil.
  func difference(_ pools: [ComputePool], _ random: inout SplitMix) -> String? {
    let most = texts.map(\.count).max()!
    let cache = model.makeCache(sequences: texts.count + 2, capacity: most, element: element)
    var sequences = texts.map { _ in CachedSequence(cache) }
    while zip(sequences, texts).contains(where: { $0.length < $1.count }) {
      disturb(&sequences, &random)
      let parts = texts.indices.shuffled(using: &random).compactMap { text -> (Int, Int)? in
        let left = texts[text].count - sequences[text].length
        let largest = [0, 1, 1, 3, 5, 33, 140].randomElement(using: &random)!
        guard left > 0, largest > 0 else { return nil }
        return (text, min(left, Int.random(in: 1...largest, using: &random)))
      }
      guard !parts.isEmpty else { continue }
      let first = parts.map { sequences[$0.0].length }
      let threads = pools.randomElement(using: &random)!
      let wantsAll = Bool.random(using: &random)
      let found = ComputePool.$current.withValue(threads) {
        read(parts, sequences, all: wantsAll)
      }
      var row = 0
      for (start, (text, count)) in zip(first, parts) {
        for token in wantsAll ? start..<start + count : start + count - 1..<start + count {
          guard isSame(found, row, logits[text][token]) else {
            return "text \(text), token \(token), of \(parts) on \(threads.threadCount) threads"
          }
          row += 1
        }
      }
    }
    return nil
  }

  /// Forks a text, or forgets its last tokens, now and then.
  private func disturb(_ sequences: inout [CachedSequence], _ random: inout SplitMix) {
    let text = texts.indices.randomElement(using: &random)!
    switch Int.random(in: 0..<8, using: &random) {
    case 0: sequences[text] = sequences[text].fork()
    case 1:
      let forgotten = Int.random(in: 0...9, using: &random)
      sequences[text].truncate(to: max(0, sequences[text].length - forgotten))
    default: break
    }
  }

  /// Logits of all new tokens, or of the last of each part.
  private func read(_ parts: [(Int, Int)], _ sequences: [CachedSequence], all: Bool) -> [Float] {
    var tokens: [Int32] = []
    for (text, count) in parts {
      let start = sequences[text].length
      tokens += texts[text][start..<start + count]
      precondition(sequences[text].reserve(count))
    }
    let states = model.cachedStates(tokens, parts.map { (sequences[$0.0], $0.1) })
    guard !all else { return model.scores(states).scalars }
    var end: Int32 = 0
    let last = parts.map {
      end += Int32($0.1)
      return end - 1
    }
    return model.scores(embedding(states, Tensor(last, shape: [last.count]))).scalars
  }

  private func isSame(_ found: [Float], _ row: Int, _ expected: [Float]) -> Bool {
    found.withUnsafeBytes { found in
      expected.withUnsafeBytes {
        memcmp(found.baseAddress! + row * $0.count, $0.baseAddress!, $0.count) == 0
      }
    }
  }
}

@Suite("Served models", .serialized)
struct ServingDeterminismTests {
  static let cases: [(ServedModel, [ElementType])] =
    [.float32, .float16, .bfloat16, .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .mxfp4]
    .map { (.llama, [$0]) }
    + [.q2_K, .q3_K, .q4_K, .q5_K, .q6_K].map { (.wideLlama, [$0]) }
    + [
      (.wideLlama, [.q4_K, .q6_K, .q4_K]), (.llama, [.q5_0, .q8_0, .float16, .float32]),
      (.gemma2, [.float16]), (.gemma2, [.q8_0]), (.gemma2, [.q4_0, .q8_0, .float32]),
      (.mixtral, [.float32]), (.mixtral, [.q4_0]), (.mixtral, [.float16, .q8_0]),
    ]

  @Test(
    "give a token the same bytes in any batch, chunk, cache and threads as one by one",
    arguments: cases)
  func trials(kind: ServedModel, types: [ElementType]) throws {
    let pools = [1, 2, 3, 5].map { ComputePool(threads: $0) }
    let seed = FuzzTime.seed(51)
    var random = SplitMix(state: seed)
    let deadline = FuzzTime.deadline
    let model = try kind.model(types, seed: 9)
    var round = 0
    repeat {
      let elements = CacheElement.allCases
      let element = elements[(round + Int(types[0].rawValue)) % elements.count]
      let lengths = [7, 40, 66, 131].map { $0 + Int.random(in: 0..<3, using: &random) }
      let texts = ServedTexts(model, element, lengths)
      #expect(texts.logits[1][39].allSatisfy { $0.isFinite })
      #expect(texts.logits[1][39] != texts.logits[1][38])
      for schedule in 0..<2 {
        let difference = texts.difference(pools, &random)
        #expect(difference == nil, "seed \(seed), round \(round), schedule \(schedule), \(element)")
      }
      round += 1
    } while ContinuousClock.now < deadline
  }
}
