/// Watches whether drafts pay, by the time that passes take, and says how long the next one may be.
///
/// It changes the time only, never the text.
struct SpeculationMonitor {
  private let longest: Int
  /// Seconds that a pass takes which reads one token; a moving mean.
  private var plainSeconds: Double?
  private var plainPasses = 0
  /// Seconds and tokens of passes with drafts since drafting began.
  private var seconds = 0.0
  private var tokens = 0.0
  private var passes = 0
  /// Length of the next draft, while drafting.
  private var next: Int
  /// Plain passes before drafting is tried again.
  private var pause = 0
  private var nextPause = SpeculationMonitor.shortestPause

  private static let shortestPause = 32
  private static let longestPause = 1024
  /// Passes with drafts that are enough to judge by.
  private static let trial = 4
  /// Passes after which the plain pass is timed again, since it slows as the text grows.
  private static let refresh = 64

  init(longest: Int) {
    self.longest = longest
    next = min(4, longest)
  }

  /// Whether drafting has been given up for a while.
  var isPaused: Bool { pause > 0 }

  /// Tokens that the next draft may have; 0: none.
  var length: Int {
    let knowsPlain = plainPasses >= 2 && passes < Self.refresh
    return knowsPlain && pause == 0 ? next : 0
  }

  /// Takes note of a pass that read one token and `drafted` more, and gave `written` tokens.
  mutating func record(drafted: Int, written: Int, seconds: Double) {
    guard drafted > 0 else { return recordPlain(seconds) }
    passes += 1
    self.seconds += seconds
    tokens += Double(written)
    next = written > drafted ? min(longest, next + 2) : max(1, min(next, written))
    guard passes >= Self.trial, let plainSeconds else { return }
    if self.seconds > plainSeconds * tokens {
      pause = nextPause
      nextPause = min(Self.longestPause, 2 * nextPause)
      restart()
    } else {
      nextPause = Self.shortestPause
    }
  }

  private mutating func recordPlain(_ seconds: Double) {
    plainSeconds = plainSeconds.map { 0.8 * $0 + 0.2 * seconds } ?? seconds
    plainPasses += 1
    pause = max(0, pause - 1)
    if passes >= Self.refresh { restart() }
  }

  private mutating func restart() {
    (seconds, tokens, passes) = (0, 0, 0)
    next = min(4, longest)
  }
}
