import Foundation
import PrimerGeneration
import PrimerServing

/// Answers from a script, so that a browser's tests know what to expect. The question's first word
/// says what kind:
///
/// "slow" one word in 50 ms; "long N" N words of many kinds of Markdown, fast; "payloads N" one
/// hundred lines of the attack list from the Nth; "crowded" refused with a wait of 2 s, once;
/// "show" a page of all kinds; anything else is repeated.
actor ScriptedAnswers: AnswerSource {
  private let payloads: [String]
  private var refused: Set<String> = []
  private var begun = 0

  init(payloads: [String]) { self.payloads = payloads }

  func models() -> [AnswerModel] {
    [AnswerModel(name: "scripted", context: 8192), AnswerModel(name: "second", context: 8192)]
  }

  func load() -> AnswerLoad {
    AnswerLoad(running: 0, waiting: 0, tokensPerSecond: 0, wait: 0)
  }

  func answer(_ request: AnswerRequest) throws -> AsyncThrowingStream<AnswerEvent, any Error> {
    let question = request.messages.last!.content
    let words = question.split(separator: " ").map(String.init)
    if words.first == "crowded", refused.insert(question).inserted {
      throw AnswerRefusal.crowded(wait: 2)
    }
    begun += 1
    let number = words.count > 1 ? Int(words[1]) ?? 0 : 0
    switch words.first {
    case "slow":
      return Self.stream((1...100).map { "word\($0) " }, pause: .milliseconds(50))
    case "long": return Self.stream(Self.long(number), pause: .milliseconds(1))
    case "payloads":
      let lines = payloads.dropFirst(number).prefix(100)
      return Self.stream([lines.joined(separator: "\n\n")], pause: .zero)
    case "show": return Self.stream(Self.show.map { String($0) }, pause: .zero)
    default:
      return Self.stream(["Version \(begun): you said ", question], pause: .milliseconds(20))
    }
  }

  private static func stream(
    _ pieces: [String], pause: Duration
  ) -> AsyncThrowingStream<AnswerEvent, any Error> {
    AsyncThrowingStream { continuation in
      let writer = Task {
        for (index, piece) in pieces.enumerated() {
          if pause > .zero { try? await Task.sleep(for: pause) }
          if Task.isCancelled { return continuation.finish() }
          continuation.yield(.text(piece, tokens: index + 1))
        }
        continuation.yield(.finished(.done, promptTokens: 5, tokens: pieces.count))
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
