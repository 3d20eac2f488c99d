import PrimerGeneration
import PrimerTokenizers

/// One text on its way, as completions tell it.
struct CompletionAnswer: Sendable {
  private let tokenizer: Tokenizer
  private let reports: Bool
  /// Text that no piece has told yet.
  private var text: String
  private var choices: [TokenChoice] = []
  /// The first token of an echo has no probability.
  private var first: Int32?
  private var offset = 0
  private var reason: FinishReason?
  private var logProbabilities: (sum: Float, count: Int) = (0, 0)
  private(set) var usage = TextUsage()

  init(_ tokenizer: Tokenizer, prompt: [Int32], echo: [TokenChoice], reports: Bool) {
    self.tokenizer = tokenizer
    self.reports = reports
    text = prompt.isEmpty ? "" : tokenizer.decode(prompt)
    choices = echo
    first = reports ? prompt.first : nil
  }

  /// Takes what became known; whether there is something to tell.
  mutating func take(_ event: TextEvent) -> Bool {
    switch event {
    case .text(let text, let more, _):
      self.text += text
      choices += more
      for choice in more {
        logProbabilities.sum += choice.logProbability
        logProbabilities.count += 1
      }
      return !text.isEmpty || !more.isEmpty
    case .finished(let reason, let usage):
      self.reason = reason
      self.usage = usage
      return true
    }
  }

  var meanLogProbability: Float {
    logProbabilities.sum / Float(max(1, logProbabilities.count))
  }

  /// What no piece has told yet.
  mutating func takePiece(index: Int) -> JSONValue {
    let piece = choice(index: index)
    offset += text.unicodeScalars.count
    (text, choices, first) = ("", [], nil)
    return piece
  }

  func choice(index: Int) -> JSONValue {
    .object([
      ("index", .integer(index)), ("text", .string(text)), ("logprobs", report),
      ("finish_reason", reason.map { .string($0.rawValue) } ?? .null),
    ])
  }

  private var report: JSONValue {
    guard reports else { return .null }
    var (tokens, likely): ([JSONValue], [JSONValue]) = ([], [])
    var (tops, offsets): ([JSONValue], [JSONValue]) = ([], [])
    var place = offset
    func add(_ token: Int32, _ value: JSONValue, _ top: JSONValue) {
      let spelling = tokenizer.decode([token])
      tokens.append(.string(spelling))
      likely.append(value)
      tops.append(top)
      offsets.append(.integer(place))
      place += spelling.unicodeScalars.count
    }
    if let first { add(first, .null, .null) }
    for choice in choices {
      var seen: Set<String> = []
      let top = choice.top.compactMap { other -> (key: String, value: JSONValue)? in
        let spelling = tokenizer.decode([other.token])
        guard seen.insert(spelling).inserted else { return nil }
        return (spelling, LogProbabilities.finite(other.logProbability))
      }
      add(choice.token, LogProbabilities.finite(choice.logProbability), .object(top))
    }
    return .object([
      ("tokens", .array(tokens)), ("token_logprobs", .array(likely)),
      ("top_logprobs", .array(tops)), ("text_offset", .array(offsets)),
    ])
  }
}
