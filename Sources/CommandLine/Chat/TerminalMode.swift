import Foundation

/// How the terminal hands over keys during a conversation: one by one and unseen, from the first line
/// to the end. Going back to lines in between would lose keys that are pressed at that moment.
struct TerminalMode {
  private let saved: termios

  /// Nil where the input is no terminal.
  init?() {
    var settings = termios()
    guard isatty(0) == 1, tcgetattr(0, &settings) == 0 else { return nil }
    saved = settings
  }

  /// While a line is written, Ctrl-C is a key; while an answer is, it is a signal. What is typed
  /// meanwhile belongs to the next line.
  func set(signals: Bool) {
    var settings = saved
    cfmakeraw(&settings)
    settings.c_oflag |= tcflag_t(OPOST)
    if signals { settings.c_lflag |= tcflag_t(ISIG) }
    tcsetattr(0, TCSADRAIN, &settings)
  }

  func restore() {
    var settings = saved
    tcsetattr(0, TCSADRAIN, &settings)
  }
}
