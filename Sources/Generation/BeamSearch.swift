internal import PrimerLayers
internal import PrimerTensors
internal import PrimerModels
internal import PrimerTokenizers

extension TextGenerator {
  /// The likeliest text that `beams` parallel searches find: score = Σ ln p / length^lengthPenalty
  /// (Wu et al. 2016, arXiv 1609.08144, in the form of `transformers`).
  public func beamSearch(
    _ prompt: [Int32], maxTokens: Int, beams: Int, lengthPenalty: Double = 1, stops: [String] = []
  ) throws -> GeneratedText {
    guard beams > 0 else { throw GenerationError.badSetting("beams \(beams) is below 1") }
    let prompt = try checked(prompt)
    guard prompt.count + maxTokens <= model.context else {
      throw GenerationError.badSetting(
        "\(maxTokens) tokens after a prompt of \(prompt.count) exceed the model's context of "
          + "\(model.context), which a beam search cannot")
    }
    return withoutGradients {
      var search = BeamSearch(beams: beams, lengthPenalty: lengthPenalty)
      // Beams share the pages of their common beginning; each needs a page of its own at the end.
      let capacity = prompt.count + maxTokens + CachePages.tokens
      let cache = model.makeCache(sequences: beams + 1, capacity: capacity)
      var sequences = [CachedSequence(cache)]
      var logits = model.read(prompt, into: sequences[0])
      while !search.isFinished(maxTokens: maxTokens) {
        let scores = logSoftmax(
          logits.sliced(axis: 1, 0..<tokenizer.vocabularySize)
        ).scalars
        let rows = search.extend(scores, vocabulary: tokenizer.vocabularySize) { tokens in
          tokens.last == tokenizer.endOfText || endsWithStop(tokens, stops)
        }
        guard !rows.isEmpty else { break }
        sequences = rows.map { sequences[$0].fork() }
        logits = model.readNext(search.live.map { $0.tokens.last! }, into: sequences)
      }
      let best = search.best
      var stream = TextStream(stops: stops)
      let visible =
        best.tokens.last == tokenizer.endOfText ? best.tokens.dropLast() : best.tokens[...]
      var text = stream.append(tokenizer.decodeBytes(Array(visible)))
      if !stream.isStopped { text += stream.finish() }
      return GeneratedText(
        text: text, tokens: best.tokens, finishReason: best.isFinished ? .stop : .length,
        promptTokens: prompt.count)
    }
  }

  private func endsWithStop(_ tokens: [Int32], _ stops: [String]) -> Bool {
    guard !stops.isEmpty else { return false }
    var stream = TextStream(stops: stops)
    _ = stream.append(tokenizer.decodeBytes(tokens))
    return stream.isStopped
  }
}

/// The searches under way and those that have ended.
struct BeamSearch {
  struct Beam {
    var tokens: [Int32] = []
    var logProbability = 0.0
    var isFinished = false
  }

  let beams: Int
  let lengthPenalty: Double
  private(set) var live = [Beam()]
  private var ended: [Beam] = []

  init(beams: Int, lengthPenalty: Double) {
    self.beams = beams
    self.lengthPenalty = lengthPenalty
  }

  private func score(_ beam: Beam) -> Double {
    beam.logProbability / power(Double(max(1, beam.tokens.count)), lengthPenalty)
  }

  /// The best of all: ended ones before those cut off, where they score as high.
  var best: Beam { (ended + live).max { score($0) < score($1) } ?? Beam() }

  func isFinished(maxTokens: Int) -> Bool {
    if live.isEmpty || live[0].tokens.count >= maxTokens { return true }
    guard ended.count >= beams else { return false }
    // Without more probability to gain, a live beam can only lose by growing when the penalty is at
    // most 1.
    return ended.map(score).max()! >= score(live[0])
  }

  /// One token more for each beam; `scores` [live, vocabulary] are log-probabilities. Returns, for
  /// each beam that lives on, the row it came from.
  mutating func extend(
    _ scores: [Float], vocabulary: Int, ends: ([Int32]) -> Bool
  ) -> [Int] {
    struct Candidate {
      let row: Int
      let token: Int32
      let logProbability: Double
    }
    var candidates: [Candidate] = []
    for (row, beam) in live.enumerated() {
      let own = scores[row * vocabulary..<(row + 1) * vocabulary]
      // No beam can use more than this many continuations.
      let top = own.indices.sorted { (own[$0], $1) > (own[$1], $0) }.prefix(2 * beams)
      candidates += top.map {
        Candidate(
          row: row, token: Int32($0 - own.startIndex),
          logProbability: beam.logProbability + Double(own[$0]))
      }
    }
    candidates.sort {
      ($0.logProbability, -$0.row, -$0.token) > ($1.logProbability, -$1.row, -$1.token)
    }
    var next: [Beam] = []
    var rows: [Int] = []
    for (rank, candidate) in candidates.enumerated() where next.count < beams {
      var beam = live[candidate.row]
      beam.tokens.append(candidate.token)
      beam.logProbability = candidate.logProbability
      if ends(beam.tokens) {
        beam.isFinished = true
        if rank < beams { ended.append(beam) }
      } else {
        next.append(beam)
        rows.append(candidate.row)
      }
    }
    live = next
    return rows
  }
}
