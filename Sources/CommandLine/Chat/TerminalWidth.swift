import Foundation

/// Columns that texts take in a terminal.
enum TerminalWidth {
  /// Of the terminal itself; 80 where it does not say.
  static var columns: Int {
    var size = winsize()
    guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Columns of a text, escape sequences left out.
  static func of(_ text: String) -> Int {
    var count = 0
    var rest = text[...]
    while let first = rest.first {
      if first == "\u{1B}" {
        rest = rest.drop { !$0.isLetter }.dropFirst()
        continue
      }
      count += of(first)
      rest = rest.dropFirst()
    }
    return count
  }

  /// Columns of what is shown as one character: a wide one, or a picture made of several, takes two.
  static func of(_ character: Character) -> Int {
    let scalars = character.unicodeScalars
    guard let first = scalars.first else { return 0 }
    switch first.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    let isPicture = first.properties.isEmojiPresentation || scalars.contains("\u{FE0F}")
    return isPicture || isWide(first.value) ? 2 : 1
  }

  /// East Asian scripts (Unicode, EastAsianWidth.txt: W and F).
  private static func isWide(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97C, 0xAC00...0xD7A3,
      0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F1E6...0x1F1FF,
      0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
      true
    default: false
    }
  }
}
