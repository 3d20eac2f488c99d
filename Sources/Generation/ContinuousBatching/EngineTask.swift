internal import PrimerLayers
internal import PrimerModels
internal import PrimerTensors

/// A request in an engine: what it has read, and what is to come of it.
final class EngineTask: @unchecked Sendable {
  // Safe because it belongs to the queue, under its lock, until the engine takes it, and to the engine's
  // thread from then on.
  /// What is wanted of the model.
  enum Goal {
    case text(TextWriter, AsyncThrowingStream<EngineEvent, any Error>.Continuation)
    /// Σ of the hidden states so far.
    case meanState([Float], AsyncThrowingStream<[Float], any Error>.Continuation)
    /// How likely each token was so far.
    case choices(
      [TokenChoice], alternatives: Int, AsyncThrowingStream<[TokenChoice], any Error>.Continuation)
  }

  let id: Int
  let user: String
  /// What it asked for.
  let work: RequestedWork
  var promptCount: Int { work.prompt }
  /// The prompt, and what was written.
  private(set) var tokens: [Int32]
  var goal: Goal
  /// nil: waiting.
  var sequence: CachedSequence?
  var cachedTokens = 0
  private var hasBegun = false
  /// Whether it was taken out of the queue before.
  var wasAdmitted = false

  init(id: Int, user: String, prompt: [Int32], work: RequestedWork, _ goal: Goal) {
    self.id = id
    self.user = user
    self.work = work
    tokens = prompt
    self.goal = goal
  }

  /// Tokens that the model has not read.
  var unread: ArraySlice<Int32> { tokens[(sequence?.length ?? 0)...] }

  /// Whether a pass takes one token of it, to write the next.
  var isWriting: Bool { sequence != nil && tokens.count > promptCount && unread.count == 1 }

  /// Whether earlier texts may spare it reading its beginning: all of it is wanted otherwise.
  var takesPrefix: Bool { if case .text = goal { true } else { false } }

  /// Rows, of `count` that a pass has read, whose logits it needs.
  func wantedRows(_ count: Int) -> Range<Int> {
    switch goal {
    case .text: unread.count == count ? count - 1..<count : 0..<0
    case .meanState: 0..<0
    // What follows the last token nobody knows.
    case .choices: 0..<(unread.count == count ? count - 1 : count)
    }
  }

  /// The prompt has been read.
  func begin() {
    guard !hasBegun, case .text(_, let events) = goal else { return }
    hasBegun = true
    events.yield(.began(cachedTokens: cachedTokens))
  }

  /// Writes the next token by `scores`; true when the text has ended.
  func write(_ scores: NextScores, context: Int) throws -> Bool {
    guard case .text(var writer, let events) = goal else { return true }
    var text = ""
    let known = writer.result.choices.count
    let token = try writer.next(scores) {
      text += $0
      return true
    }
    if let token { tokens.append(token) }
    if !writer.isDone && tokens.count > context {
      writer.fillContext()
      writer.end(.length)
    }
    let isDone = writer.isDone
    var result: GeneratedText?
    if isDone {
      result = writer.finish {
        text += $0; return true
      }
    }
    let choices = Array(writer.result.choices[known...])
    if !text.isEmpty || !choices.isEmpty {
      events.yield(.text(text, choices: choices, tokens: writer.result.tokens.count))
    }
    goal = .text(writer, events)
    if let result {
      events.yield(.finished(result))
      events.finish()
    }
    return isDone
  }

  /// Adds rows [rows, width] to the sum, one after another.
  func addStates(_ rows: Tensor) {
    guard case .meanState(var sum, let answer) = goal else { return }
    let width = rows.shape[1]
    if sum.isEmpty { sum = [Float](repeating: 0, count: width) }
    rows.contiguous().withScalars { values in
      for row in 0..<rows.shape[0] {
        for column in 0..<width { sum[column] += values[row * width + column] }
      }
    }
    goal = .meanState(sum, answer)
  }

  /// Adds what logits say of the tokens behind `first` of the text, one after another.
  func addChoices(_ scores: ArraySlice<NextScores>, first: Int) {
    guard case .choices(var choices, let alternatives, let answer) = goal else { return }
    for (row, scores) in scores.enumerated() {
      guard case .logits(let logits) = scores else { continue }
      choices.append(TokenChoice(tokens[first + row + 1], logits, alternatives: alternatives))
    }
    goal = .choices(choices, alternatives: alternatives, answer)
  }

  /// Answers those that want no text, once all is read.
  func finishReading() {
    switch goal {
    case .text: break
    case .meanState(let sum, let answer):
      answer.yield(sum.map { $0 / Float(tokens.count) })
      answer.finish()
    case .choices(let choices, _, let answer):
      answer.yield(choices)
      answer.finish()
    }
  }

  func fail(_ error: any Error) {
    switch goal {
    case .text(_, let events): events.finish(throwing: error)
    case .meanState(_, let answer): answer.finish(throwing: error)
    case .choices(_, _, let answer): answer.finish(throwing: error)
    }
  }
}
