internal import PrimerLayers
public import PrimerModels
internal import PrimerTensors

extension LanguageModel {
  /// Hidden states [tokens, width] of `tokens` behind what `sequence` has, which has them afterwards.
  /// The cache must have room.
  func states(_ tokens: ArraySlice<Int32>, into sequence: CachedSequence) -> Tensor {
    precondition(sequence.reserve(tokens.count), "no room for \(tokens.count) tokens in the cache")
    return cachedStates(Array(tokens), [(sequence, tokens.count)])
  }

  /// Reads `tokens` behind what `sequence` has, in chunks; logits [last, vocabulary] of what follows
  /// each of the `last` last tokens. The cache must have room.
  func read(
    _ tokens: [Int32], into sequence: CachedSequence, chunk: Int = 512, last: Int = 1
  ) -> Tensor {
    scores(readStates(tokens, into: sequence, chunk: chunk, last: last))
  }

  /// The same; hidden states [last, width] of the `last` last tokens.
  func readStates(
    _ tokens: [Int32], into sequence: CachedSequence, chunk: Int = 512, last: Int = 1
  ) -> Tensor {
    precondition(last >= 1 && last <= tokens.count, "states of \(last) of \(tokens.count) tokens")
    var rest = tokens[...]
    var kept: [Tensor] = []
    while !rest.isEmpty {
      let part = rest.prefix(chunk)
      rest = rest.dropFirst(part.count)
      let states = states(part, into: sequence)
      let wanted = min(part.count, last - rest.count)
      if wanted > 0 {
        kept.append(states.sliced(axis: 0, part.count - wanted..<part.count))
      }
    }
    return kept.count == 1 ? kept[0] : .concatenated(kept, axis: 0)
  }

  /// One token more for each sequence; logits [sequences, vocabulary].
  func readNext(_ tokens: [Int32], into sequences: [CachedSequence]) -> Tensor {
    scores(nextStates(tokens, into: sequences))
  }

  /// One token more for each sequence; hidden states [sequences, width].
  func nextStates(_ tokens: [Int32], into sequences: [CachedSequence]) -> Tensor {
    for sequence in sequences {
      precondition(sequence.reserve(1), "no room for a token in the cache")
    }
    return cachedStates(tokens, sequences.map { ($0, 1) })
  }
}

/// A text that a model has read, kept so that a next one that begins alike is not read again.
///
/// One request at a time goes on with it.
public final class CachedText {
  fileprivate let sequence: CachedSequence
  /// What the sequence holds.
  fileprivate var tokens: [Int32] = []
  fileprivate let capacity: Int

  /// Room for the model's context; memory is touched only as it fills.
  public init(_ model: any LanguageModel) {
    capacity = model.context
    sequence = CachedSequence(model.makeCache(capacity: capacity))
  }

  /// Keeps the beginning that `prompt` shares, its last token apart, which is read anew for what
  /// follows it; how many tokens that is.
  fileprivate func keep(beginningOf prompt: [Int32]) -> Int {
    let shared = zip(tokens, prompt.dropLast()).prefix { $0 == $1 }.count
    sequence.truncate(to: shared)
    tokens = Array(prompt.prefix(shared))
    return shared
  }
}

/// Reads a growing text with a key-value cache.
struct CachedReader {
  private let model: any LanguageModel
  private let chunk: Int
  private(set) var tokens: [Int32]
  private var unread: [Int32]
  private let sequence: CachedSequence
  private let capacity: Int
  private let kept: CachedText?
  /// Whether the cache holds another part of the text than its beginning.
  private var hasDropped = false

  init(
    _ model: any LanguageModel, _ prompt: [Int32], maxTokens: Int, chunk: Int,
    element: CacheElement, goingOnWith kept: CachedText? = nil
  ) {
    self.model = model
    self.chunk = chunk
    self.kept = kept
    tokens = prompt
    if let kept {
      unread = Array(prompt.dropFirst(kept.keep(beginningOf: prompt)))
      capacity = kept.capacity
      sequence = kept.sequence
      return
    }
    unread = prompt
    // Few tokens more than a context can hold are all the same to it.
    capacity = min(model.context, prompt.count + min(max(1, maxTokens), model.context))
    sequence = CachedSequence(model.makeCache(capacity: capacity, element: element))
  }

  /// Leaves what was read to the next text; after an error nothing is sure of it.
  func leave(failed: Bool) {
    guard let kept else { return }
    if failed || hasDropped { sequence.truncate(to: 0) }
    kept.tokens = Array(tokens.prefix(sequence.length))
  }

  /// Whether the model can look at the whole text.
  var fits: Bool { sequence.length + unread.count <= capacity }

  /// Tokens that fit behind the text.
  var room: Int { max(0, capacity - sequence.length - unread.count) }

  /// Whether a pass would read one token only, so that a draft may share it.
  var isAtEnd: Bool { unread.count == 1 }

  /// Forgets the older half of what fits; the rest is read anew.
  mutating func dropOldHalf() {
    unread = Array(tokens.suffix(max(1, capacity / 2)))
    sequence.truncate(to: 0)
    hasDropped = true
  }

  /// Hidden states [draft.count + 1, width] of the text's last token, and of each token of a `draft`
  /// behind it.
  mutating func states(draft: [Int32]) -> Tensor {
    defer { unread = [] }
    return model.readStates(unread + draft, into: sequence, chunk: chunk, last: draft.count + 1)
  }

  /// Goes on with `chosen`, of which the cache holds all but the last, and of a draft `surplus` tokens
  /// more.
  mutating func append(_ chosen: [Int32], surplus: Int) {
    sequence.truncate(to: sequence.length - surplus)
    tokens += chosen
    unread = Array(chosen.suffix(1))
  }
}
