import Foundation
import PrimerGeneration
import PrimerServing

/// Answers from a script, so that a browser's tests know what to expect. The question's first word
/// says what kind:
///
/// "slow" one word, of three tokens, in 50 ms; "long N" N words of many kinds of Markdown, fast;
/// "payloads N" one hundred lines of the attack list from the Nth; "crowded" refused with a wait of
/// 2 s, once; "show" a page of all kinds; "say" the lines below the first; "what" what the model was
/// given; "turn" a text that comes to harm; "break" one that fails; anything else is repeated.
actor ScriptedAnswers: AnswerSource {
  private let payloads: [String]
  private var refused: Set<String> = []
  private var begun = 0

  init(payloads: [String]) { self.payloads = payloads }

  func models() -> [AnswerModel] {
    [
      AnswerModel(name: "scripted", version: "5c417ed0a11e", context: 8192),
      AnswerModel(name: "second", version: "0123456789ab", context: 2048, isLoaded: false),
    ]
  }

  nonisolated func completed(_ choice: SamplingChoice) -> SamplingChoice {
    var whole = choice
    whole.temperature = choice.temperature ?? 0.7
    return whole
  }

  func load() -> AnswerLoad {
    AnswerLoad(running: 2, waiting: 3, tokensPerSecond: 41.5, wait: 7.2)
  }

  func answer(_ request: AnswerRequest) throws -> AsyncThrowingStream<AnswerEvent, any Error> {
    let question = request.messages.last!.content
    let words = question.split(whereSeparator: \.isWhitespace).map(String.init)
    if words.first == "crowded", refused.insert(question).inserted {
      throw AnswerRefusal.crowded(wait: 2)
    }
    begun += 1
    let number = words.count > 1 ? Int(words[1]) ?? 0 : 0
    switch words.first {
    case "slow":
      return Self.stream(
        (1...100).map { "word\($0) " }, pause: .milliseconds(50), tokensEach: 3)
    case "long": return Self.stream(Self.long(number), pause: .milliseconds(1))
    case "payloads":
      let lines = payloads.dropFirst(number).prefix(100)
      return Self.stream([lines.joined(separator: "\n\n")], pause: .zero)
    case "say":
      let lines = question.split(separator: "\n", omittingEmptySubsequences: false).dropFirst()
      return Self.stream(lines.map { $0 + "\n" }, pause: .zero)
    case "what": return Self.stream([Self.told(request)], pause: .zero)
    case "turn":
      let harmless = Array(repeating: "so far so good ", count: 40)
      return Self.stream(
        harmless + ["then harm "] + Array(repeating: "and on ", count: 400),
        pause: .milliseconds(5))
    case "break": return Self.stream(["half a "], pause: .zero, fails: true)
    case "show": return Self.stream(Self.show.map { String($0) }, pause: .zero)
    default:
      return Self.stream(["Version \(begun): you said ", question], pause: .milliseconds(20))
    }
  }

  /// What the model was given, a line each.
  private static func told(_ request: AnswerRequest) -> String {
    let sampling = request.sampling
    return """
      model \(request.model), temperature \(sampling.temperature ?? -1), \
      seed \(sampling.seed ?? -1)

      """
        + request.messages.map { "\n- \($0.role): \($0.content.replacing("\n", with: " / "))" }
        .joined()
  }

  private struct Broken: Error {}

  private static func stream(
    _ pieces: [String], pause: Duration, tokensEach: Int = 1, fails: Bool = false
  ) -> AsyncThrowingStream<AnswerEvent, any Error> {
    AsyncThrowingStream { continuation in
      let writer = Task {
        for (index, piece) in pieces.enumerated() {
          if pause > .zero { try? await Task.sleep(for: pause) }
          if Task.isCancelled { return continuation.finish() }
          continuation.yield(.text(piece, tokens: tokensEach * (index + 1)))
        }
        if fails { return continuation.finish(throwing: Broken()) }
        continuation.yield(
          .finished(.done, promptTokens: 5, tokens: tokensEach * pieces.count))
        continuation.finish()
      }
      continuation.onTermination = { _ in writer.cancel() }
    }
  }

  /// Paragraphs, lists, tables, code and formulas, the worst of each: long ones.
  private static func long(_ count: Int) -> [String] {
    var words: [String] = []
    var block = 0
    while words.count < count {
      let length = 400
      switch block % 4 {
      case 0: words += (0..<length).map { "word\($0) " } + ["\n\n"]
      case 1: words += (0..<length).map { "\($0 % 10 == 0 ? "\n- item **bold** " : "and ")" }
      case 2:
        words += ["\n\n```swift\n"] + (0..<length).map { "let x\($0) = \($0)\n" } + ["```\n\n"]
      default:
        words.append("\n\n| a | b |\n|---|---|\n")
        words += (0..<length).map { "| \($0) | \($0 % 10 == 0 ? "$x^{\($0)}$" : "`x`") |\n" }
        words.append("\n\n")
      }
      block += 1
    }
    return words
  }

  private static let show = """
    # Tides

    The sea rises and falls because the **Moon** pulls on it; see [NOAA](https://www.noaa.gov).

    | Season | Typical day | Warmth |
    |---|---|---:|
    | Spring | Rain, then sun | 14 °C |
    | Summer | Long and bright | 26 °C |

    ```python
    def tide(hours: float) -> float:
        # Half a lunar day between high waters
        return math.cos(2 * math.pi * hours / 12.42)
    ```

    The pull falls with the cube of the distance, $F \\propto \\frac{GMr}{d^3}$:

    $$h = \\frac{15}{8} \\frac{M}{m} \\left(\\frac{r}{d}\\right)^3 r$$

    1. High water
    2. Low water
       - twice a day

    > Time and tide wait for no one.

         /\\_/\\
        ( o.o )
         > ^ <
    """
}
