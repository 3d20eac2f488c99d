internal import PrimerLayers
internal import PrimerModels
internal import PrimerTensors
internal import PrimerTokenizers

/// Speculative decoding (Leviathan et al. 2023, arXiv 2211.17192; Chen et al. 2023, arXiv 2302.01318):
/// tokens are guessed cheaply, and one pass of the model looks at all guesses.
///
/// Token i is drawn from the model's distribution with random number i, as without speculation, and a
/// guess counts where it is that token. So the text is the same, byte for byte, and so is its
/// distribution; only the time differs.
public struct Speculation: Sendable {
  /// Where guesses come from.
  public enum Source: Sendable {
    /// What followed the text's last few tokens earlier (Saxena 2023, prompt lookup decoding).
    case promptLookup
    /// A smaller model of the same vocabulary, drawing with the same random numbers.
    case model(TextGenerator)
  }

  public var source: Source
  /// The most tokens guessed at once, 1 to 64. Default 8.
  public var longest = 8
  /// Whether to stop guessing for a while when it costs more time than it saves. Default true.
  public var stopsWhereItLoses = true
  /// Seconds since any fixed moment.
  public var clock: @Sendable () -> Double

  public init(_ source: Source, clock: (@Sendable () -> Double)? = nil) {
    self.source = source
    let start = ContinuousClock.now
    self.clock = clock ?? { (ContinuousClock.now - start) / .seconds(1) }
  }
}

/// Makes drafts, and watches whether they pay.
struct Drafter {
  private enum Source {
    case lookup(PromptLookup)
    case model(DraftModel)
  }

  private var source: Source?
  private let speculation: Speculation?
  private var monitor: SpeculationMonitor
  private var begun = 0.0

  init(_ speculation: Speculation?, for generator: TextGenerator) throws {
    self.speculation = speculation
    monitor = SpeculationMonitor(longest: speculation?.longest ?? 0)
    switch speculation?.source {
    case nil: source = nil
    case .promptLookup: source = .lookup(PromptLookup())
    case .model(let draft): source = .model(try DraftModel(draft, for: generator))
    }
  }

  mutating func begin() {
    if let speculation { begun = speculation.clock() }
  }

  /// Takes note of a pass that read one token and the draft, and of the tokens written by it.
  mutating func end(drafted: Int, written: Int) {
    guard let speculation else { return }
    monitor.record(drafted: drafted, written: written, seconds: speculation.clock() - begun)
  }

  /// At most `count` tokens that may follow `text`; none where that would not pay.
  mutating func propose(after text: [Int32], atMost count: Int, _ sampler: Sampler) -> [Int32] {
    guard let speculation, count > 0 else { return [] }
    let worthwhile = speculation.stopsWhereItLoses ? monitor.length : speculation.longest
    let count = min(count, worthwhile)
    guard count > 0 else { return [] }
    switch source {
    case nil: return []
    case .lookup(var lookup):
      source = nil  // The index has one owner, so that it grows in place.
      defer { source = .lookup(lookup) }
      return lookup.propose(after: text, atMost: count)
    case .model(let draft): return draft.propose(after: text, atMost: count, sampler)
    }
  }
}

/// Finds where the last tokens of a text stood before.
struct PromptLookup {
  /// Longest and shortest run of tokens that is looked up.
  private static let lengths = [4, 3, 2]
  /// Where each run of tokens ended last; -1 fills up the shorter runs.
  private var ends: [SIMD4<Int32>: Int] = [:]
  /// Runs that end before this place are known.
  private var known = 0

  mutating func propose(after text: [Int32], atMost count: Int) -> [Int32] {
    // The run at the very end is looked up before it is known.
    while known < text.count {
      for length in Self.lengths where known >= length {
        ends[Self.run(of: length, endingAt: known, in: text)] = known
      }
      known += 1
    }
    for length in Self.lengths where text.count >= length {
      if let end = ends[Self.run(of: length, endingAt: text.count, in: text)] {
        return Array(text[end..<min(end + count, text.count)])
      }
    }
    return []
  }

  private static func run(of length: Int, endingAt end: Int, in text: [Int32]) -> SIMD4<Int32> {
    var run = SIMD4<Int32>(repeating: -1)
    for index in 0..<length { run[index] = text[end - length + index] }
    return run
  }
}

/// A smaller model that guesses, with a cache of its own.
final class DraftModel {
  private let generator: TextGenerator
  private let sequence: CachedSequence
  /// What the cache holds.
  private var read: [Int32] = []

  init(_ draft: TextGenerator, for target: TextGenerator) throws {
    let (own, other) = (draft.tokenizer, target.tokenizer)
    guard own.vocabularySize == other.vocabularySize else {
      throw GenerationError.draftVocabulary(
        "the draft model has \(own.vocabularySize) tokens, the model \(other.vocabularySize)")
    }
    for token in 0..<Int32(own.vocabularySize)
    where own.decodeBytes([token]) != other.decodeBytes([token]) {
      throw GenerationError.draftVocabulary(
        "the draft model and the model spell token \(token) differently")
    }
    generator = draft
    sequence = CachedSequence(
      draft.model.makeCache(capacity: min(draft.model.context, target.model.context)))
  }

  /// The tokens that this model would write with the sampler's settings and random numbers.
  func propose(after text: [Int32], atMost count: Int, _ sampler: Sampler) -> [Int32] {
    let capacity = sequence.cache.pageCount * CachePages.tokens
    guard text.count + count <= min(capacity, generator.model.context) else { return [] }
    let common = zip(read, text).prefix { $0 == $1 }.count
    sequence.truncate(to: min(common, text.count - 1))
    read.removeLast(read.count - sequence.length)
    var unread = Array(text[sequence.length...])
    var sampler = sampler
    var draft: [Int32] = []
    while draft.count < count {
      let logits = generator.model.read(unread, into: sequence)
      read += unread
      let token = sampler.next(generator.spelled(logits))
      draft.append(token)
      if generator.endTokens.contains(token) { break }
      unread = [token]
    }
    return draft
  }
}
