internal import PrimerLayers
internal import PrimerModels
public import PrimerTensors
internal import PrimerTokenizers

/// What a beam search looks for.
public struct BeamOptions: Sendable {
  /// Default 256.
  public var maxTokens = 256
  /// Texts searched for at once. Default 4.
  public var beams = 4
  /// Equal groups of beams that are kept apart (diverse beam search, Vijayakumar et al. 2016, arXiv
  /// 1610.02424). Default 1: an ordinary search.
  public var groups = 1
  /// What a token loses, in nats, for each beam of an earlier group that takes it at the same place.
  /// Default 0.5; one group has no earlier one.
  public var diversity = 0.5
  /// Scores are Σ ln p / length^this (Wu et al. 2016, arXiv 1609.08144, in the form of
  /// `transformers`). Default 1.
  public var lengthPenalty = 1.0
  /// A text ends before any of these. Default none.
  public var stops: [String] = []
  /// How the cache stores keys and values. Default f16.
  public var cacheElement = CacheElement.float16

  public init() {}

  /// Throws where a number makes no sense.
  public func check() throws {
    func demand(_ condition: Bool, _ text: String) throws {
      if !condition { throw GenerationError.badSetting(text) }
    }
    try demand(maxTokens >= 0, "the most tokens, \(maxTokens), are below 0")
    try demand(beams > 0 && beams <= 1024, "beams \(beams) are not between 1 and 1024")
    try demand(
      groups > 0 && beams % groups == 0, "\(groups) groups do not divide \(beams) beams")
    try demand(
      diversity >= 0 && diversity.isFinite, "diversity \(diversity) is not a number from 0 up")
    try demand(lengthPenalty.isFinite, "length penalty \(lengthPenalty) is not a number")
  }
}

extension TextGenerator {
  /// The likeliest text that `beams` parallel searches find.
  public func beamSearch(
    _ prompt: [Int32], maxTokens: Int, beams: Int, lengthPenalty: Double = 1, stops: [String] = []
  ) throws -> GeneratedText {
    var options = BeamOptions()
    (options.maxTokens, options.beams) = (maxTokens, beams)
    (options.lengthPenalty, options.stops) = (lengthPenalty, stops)
    return try beamSearch(prompt, options)[0]
  }

  /// The texts that a beam search ends with, best first; at least one, at most `beams`.
  /// - Parameter constraint: what each text has to look like; it is forked, not changed.
  public func beamSearch(
    _ prompt: [Int32], _ options: BeamOptions, constraint: (any TokenConstraint)? = nil
  ) throws -> [GeneratedText] {
    try options.check()
    let prompt = try checked(prompt, andThen: options.maxTokens, "a beam search")
    return try withoutGradients {
      var search = GroupedBeamSearch(options, constraint)
      // Beams share the pages of their common beginning; each needs a page of its own at the end.
      let capacity = prompt.count + options.maxTokens + CachePages.tokens
      let cache = model.makeCache(
        sequences: options.beams + 1, capacity: capacity, element: options.cacheElement)
      let first = CachedSequence(cache)
      let logits = model.read(prompt, into: first)
      // Every group begins with the same beam.
      var rows = Tensor.concatenated(
        [Tensor](repeating: logits, count: options.groups), axis: 0)
      var sequences = (0..<options.groups).map { _ in first.fork() }
      while !search.isFinished {
        let kept = search.extend(
          logSoftmax(rows.sliced(axis: 1, 0..<tokenizer.vocabularySize)), endTokens
        ) { endsWithStop($0, options.stops) }
        guard !kept.isEmpty else { break }
        sequences = kept.map { sequences[$0].fork() }
        rows = model.readNext(search.lastTokens, into: sequences)
      }
      let found = search.ranked.map { text(of: $0, prompt, options) }
      guard !found.isEmpty else { throw GenerationError.deadEnd(afterTokens: 0) }
      return found
    }
  }

  /// `checked` for searches, which cannot drop what they have read.
  func checked(_ prompt: [Int32], andThen maxTokens: Int, _ name: String) throws -> [Int32] {
    let prompt = try checked(prompt)
    guard maxTokens <= model.context - prompt.count else {
      throw GenerationError.badSetting(
        "\(maxTokens) tokens after a prompt of \(prompt.count) exceed the model's context of "
          + "\(model.context), which \(name) cannot")
    }
    return prompt
  }

  private func endsWithStop(_ tokens: [Int32], _ stops: [String]) -> Bool {
    guard !stops.isEmpty else { return false }
    var stream = TextStream(stops: stops)
    _ = stream.append(tokenizer.decodeBytes(tokens))
    return stream.isStopped
  }

  private func text(
    of beam: BeamSearch.Beam, _ prompt: [Int32], _ options: BeamOptions
  ) -> GeneratedText {
    var stream = TextStream(stops: options.stops)
    let isEnded = beam.tokens.last.map(endTokens.contains) ?? false
    let visible = isEnded ? beam.tokens.dropLast() : beam.tokens[...]
    var text = stream.append(tokenizer.decodeBytes(Array(visible)))
    if !stream.isStopped { text += stream.finish() }
    return GeneratedText(
      text: text, tokens: beam.tokens, finishReason: beam.isFinished ? .stop : .length,
      promptTokens: prompt.count, logProbability: beam.logProbability)
  }
}

/// Beam searches side by side, each shunning the tokens of those before it.
struct GroupedBeamSearch {
  private let options: BeamOptions
  private var groups: [BeamSearch]

  init(_ options: BeamOptions, _ constraint: (any TokenConstraint)?) {
    self.options = options
    groups = (0..<options.groups).map { _ in
      BeamSearch(
        beams: options.beams / options.groups, lengthPenalty: options.lengthPenalty,
        BeamSearch.Beam(constraint: constraint?.fork()))
    }
  }

  var isFinished: Bool { groups.allSatisfy { $0.isFinished(maxTokens: options.maxTokens) } }

  /// The last token of each live beam, group after group.
  var lastTokens: [Int32] { groups.flatMap { $0.live.map { $0.tokens.last! } } }

  /// All beams of all groups, best first.
  var ranked: [BeamSearch.Beam] {
    let beams = groups.flatMap { group in group.ranked.map { (group.score($0), $0) } }
    return beams.enumerated()
      .sorted { ($0.element.0, $1.offset) > ($1.element.0, $0.offset) }
      .prefix(options.beams).map(\.element.1)
  }

  /// One token more for each live beam of the groups that go on; `scores` [live, vocabulary] are
  /// log-probabilities. Returns, for each beam that lives on, the row it came from.
  mutating func extend(
    _ scores: Tensor, _ endTokens: Set<Int32>, ends: ([Int32]) -> Bool
  ) -> [Int] {
    var (first, kept): (Int, [Int]) = (0, [])
    var taken: [Int32: Int] = [:]
    for index in groups.indices {
      let rows = first..<first + groups[index].live.count
      first = rows.upperBound
      if groups[index].isFinished(maxTokens: options.maxTokens) {
        groups[index].close()
        continue
      }
      let from = groups[index].extend(
        scores.sliced(axis: 0, rows), endTokens, shunning: taken, by: options.diversity, ends: ends)
      kept += from.map { rows.lowerBound + $0 }
      for beam in groups[index].live { taken[beam.tokens.last!, default: 0] += 1 }
    }
    return kept
  }
}

/// The searches under way and those that have ended.
struct BeamSearch {
  struct Beam {
    var tokens: [Int32] = []
    /// ln p of the tokens in the model's distribution.
    var logProbability = 0.0
    /// The same less what diversity took.
    var total = 0.0
    var isFinished = false
    var constraint: (any TokenConstraint)?
  }

  let beams: Int
  let lengthPenalty: Double
  private(set) var live: [Beam]
  private var ended: [Beam] = []

  init(beams: Int, lengthPenalty: Double, _ first: Beam = Beam()) {
    self.beams = beams
    self.lengthPenalty = lengthPenalty
    live = [first]
  }

  func score(_ beam: Beam) -> Double {
    beam.total / power(Double(max(1, beam.tokens.count)), lengthPenalty)
  }

  /// Best first: ended ones before those cut off, where they score as high. Where any text could end
  /// as its constraint demands, those that did not are left out.
  var ranked: [Beam] {
    let isConstrained = (ended + live).contains { $0.constraint != nil }
    let all = isConstrained && !ended.isEmpty ? ended : ended + live
    return all.enumerated()
      .sorted { (score($0.element), $1.offset) > (score($1.element), $0.offset) }.map(\.element)
  }

  func isFinished(maxTokens: Int) -> Bool {
    if live.isEmpty || live[0].tokens.count >= maxTokens { return true }
    guard ended.count >= beams else { return false }
    // Without more probability to gain, a live beam can only lose by growing when the penalty is at
    // most 1.
    return ended.map(score).max()! >= score(live[0])
  }

  /// Ends the search: what is live stays as it is.
  mutating func close() {
    ended += live
    live = []
  }

  private struct Step {
    let row: Int
    let token: Int32
    let logProbability: Double
    let total: Double
  }

  /// One token more for each beam; `scores` [live, vocabulary] are log-probabilities, and a token loses
  /// `diversity` for each time it is `taken`. Returns, for each beam that lives on, the row it came
  /// from.
  mutating func extend(
    _ scores: Tensor, _ endTokens: Set<Int32> = [], shunning taken: [Int32: Int] = [:],
    by diversity: Double = 0, ends: ([Int32]) -> Bool
  ) -> [Int] {
    let steps = live.indices.flatMap { row in
      likeliest(scores.sliced(axis: 0, row..<row + 1), live[row], endTokens, taken.count).map {
        let score = live[row].total + Double($0.logit)
        return Step(
          row: row, token: $0.token,
          logProbability: live[row].logProbability + Double($0.logit),
          total: score - diversity * Double(taken[$0.token] ?? 0))
      }
    }
    .sorted { ($0.total, $1.row, $1.token) > ($1.total, $0.row, $0.token) }
    var (next, rows): ([Beam], [Int]) = ([], [])
    for (rank, step) in steps.enumerated() where next.count < beams {
      var beam = live[step.row]
      beam.tokens.append(step.token)
      (beam.logProbability, beam.total) = (step.logProbability, step.total)
      if endTokens.contains(step.token) || ends(beam.tokens) {
        beam.isFinished = true
        if rank < beams { ended.append(beam) }
      } else {
        beam.constraint = beam.constraint?.fork()
        guard beam.constraint?.accept(step.token) ?? true else { continue }
        next.append(beam)
        rows.append(step.row)
      }
    }
    live = next
    return rows
  }

  /// As many continuations of a beam as can matter when `shunned` tokens may be set back.
  private func likeliest(
    _ scores: Tensor, _ beam: Beam, _ endTokens: Set<Int32>, _ shunned: Int
  ) -> [Candidate] {
    var scores = scores.reshaped([scores.count])
    if let mask = beam.constraint?.allowed(ending: endTokens) {
      if mask.isEmpty { return [] }
      scores = scores.copied()
      scores.withMutableScalars { mask.apply(to: &$0) }
    }
    return LogitRow(scores, nil).likeliest(2 * beams + shunned)
  }
}
