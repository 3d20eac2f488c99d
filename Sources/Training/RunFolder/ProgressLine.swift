import Foundation

/// What a progress line says.
public struct Progress: Sendable, Equatable {
  /// Steps done, of how many.
  public var step: Int
  public var steps: Int
  /// Nats a token.
  public var loss: Double
  public var validationLoss: Double?
  public var tokensPerSecond: Double
  /// Share of the machine's peak arithmetic, 0 to 1; nil where the peak is not known.
  public var utilisation: Double?
  public var secondsLeft: Double

  public init(
    step: Int, steps: Int, loss: Double, validationLoss: Double? = nil, tokensPerSecond: Double,
    utilisation: Double? = nil, secondsLeft: Double
  ) {
    self.step = step
    self.steps = steps
    self.loss = loss
    self.validationLoss = validationLoss
    self.tokensPerSecond = tokensPerSecond
    self.utilisation = utilisation
    self.secondsLeft = secondsLeft
  }

  /// One line of at most `columns` characters, the bar as wide as there is room for.
  public func line(columns: Int) -> String {
    let facts = facts
    let room = columns - facts.count - 1
    guard room >= 8 else { return String(facts.prefix(columns)) }
    return Self.bar(Double(step) / Double(max(1, steps)), width: min(30, room)) + " " + facts
  }

  /// The line without its bar, for a log.
  public var facts: String {
    var parts = [
      "step \(Self.grouped(step))/\(Self.grouped(steps))", "loss \(Self.fixed(loss, 4))",
    ]
    if let validationLoss { parts.append("validation \(Self.fixed(validationLoss, 4))") }
    parts.append("\(Self.grouped(Int(tokensPerSecond.rounded()))) tokens/s")
    if let utilisation { parts.append("\(Int((100 * utilisation).rounded())) % of peak") }
    parts.append(step < steps ? Self.duration(secondsLeft) + " left" : "done")
    return parts.joined(separator: " · ")
  }

  static func bar(_ share: Double, width: Int) -> String {
    let eighths = Int((min(1, max(0, share)) * Double(8 * width)).rounded(.down))
    let (full, part) = eighths.quotientAndRemainder(dividingBy: 8)
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    let filled = String(repeating: "█", count: full) + parts[part]
    return filled + String(repeating: "░", count: width - filled.count)
  }

  /// "1 h 05 min", "3 min 20 s", "4 s".
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    let whole = Int(max(0, seconds).rounded())
    func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return switch whole {
    case ..<60: "\(whole) s"
    case ..<3600: "\(whole / 60) min \(padded(whole % 60)) s"
    case ..<86_400: "\(whole / 3600) h \(padded(whole / 60 % 60)) min"
    default: "\(whole / 86_400) d \(padded(whole / 3600 % 24)) h"
    }
  }

  /// Thousands set apart by commas, in any locale.
  package static func grouped(_ value: Int) -> String {
    let digits = String(abs(value))
    let groups = stride(from: digits.count, to: 0, by: -3).map { end in
      digits.dropLast(digits.count - end).suffix(3)
    }
    return (value < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
  }

  /// A fixed number of decimals, in any locale.
  package static func fixed(_ value: Double, _ decimals: Int) -> String {
    value.isFinite ? String(format: "%.\(decimals)f", value) : "\(value)"
  }
}

/// Shows progress on standard error: on a terminal one line that is rewritten, else a line now and
/// then, and nothing at all when told to be quiet.
public final class ProgressLine {
  private let isTerminal: Bool
  private let isQuiet: Bool
  private let columns: () -> Int
  private let now: () -> Double
  private let write: (String) -> Void
  private var shownAt = -Double.infinity
  private var isLineOpen = false

  public convenience init(quiet: Bool) {
    let clock = ContinuousClock()
    let start = clock.now
    self.init(
      quiet: quiet, isTerminal: isatty(STDERR_FILENO) == 1, columns: Self.terminalColumns,
      now: { (clock.now - start) / .seconds(1) },
      write: { try? FileHandle.standardError.write(contentsOf: Data($0.utf8)) })
  }

  package init(
    quiet: Bool, isTerminal: Bool, columns: @escaping () -> Int, now: @escaping () -> Double,
    write: @escaping (String) -> Void
  ) {
    isQuiet = quiet
    self.isTerminal = isTerminal
    self.columns = columns
    self.now = now
    self.write = write
  }

  /// Shows it if it is time again: ten times a second on a terminal, else every five seconds, and
  /// at the last step.
  public func show(_ progress: Progress) {
    guard !isQuiet else { return }
    let isLast = progress.step >= progress.steps
    guard isLast || now() - shownAt >= (isTerminal ? 0.1 : 5) else { return }
    shownAt = now()
    if isTerminal {
      write("\r\u{1B}[K" + progress.line(columns: columns() - 1))
      isLineOpen = true
      if isLast { endLine() }
    } else {
      write(progress.facts + "\n")
    }
  }

  /// A message on a line of its own.
  public func say(_ message: String) {
    guard !isQuiet else { return }
    endLine(erase: true)
    write(message + "\n")
  }

  /// Leaves the line as it stands; what follows starts on the next.
  public func endLine() { endLine(erase: false) }

  private func endLine(erase: Bool) {
    guard isLineOpen else { return }
    write(erase ? "\r\u{1B}[K" : "\n")
    isLineOpen = false
  }

  private static func terminalColumns() -> Int {
    var size = winsize()
    let known = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return known ? Int(size.ws_col) : 80
  }
}
