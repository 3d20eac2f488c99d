import Foundation

/// Reads lines from a terminal, with editing keys and a history; from anything else, line by line.
///
/// Keys: arrows, Home, End, Backspace, Delete, Ctrl-A E B F K U W, Ctrl-P N; Alt-Return or a
/// trailing backslash goes on with another line, pasted line ends are kept.
final class LineEditor {
  enum Input: Equatable {
    case line(String)
    /// Ctrl-C: the line is given up.
    case interrupted
    /// Ctrl-D on an empty line, or the end of the input.
    case end
  }

  private(set) var history: [String]
  private let isTerminal = isatty(0) == 1 && isatty(1) == 1
  private var buffer: [Character] = []
  private var cursor = 0
  private var isPasting = false
  /// Bytes read and not used yet.
  private var waiting: [UInt8] = []

  init(history: [String] = []) { self.history = history }

  func remember(_ line: String) {
    if !line.isEmpty, history.last != line { history.append(line) }
  }

  /// The next line, after `prompt`.
  func read(prompt: String) -> Input {
    guard isTerminal else {
      guard let line = readLine(strippingNewline: true) else { return .end }
      return .line(line)
    }
    var saved = termios()
    tcgetattr(0, &saved)
    var raw = saved
    cfmakeraw(&raw)
    raw.c_oflag |= tcflag_t(OPOST)
    tcsetattr(0, TCSADRAIN, &raw)
    write("\u{1B}[?2004h")
    defer {
      write("\u{1B}[?2004l\n")
      tcsetattr(0, TCSADRAIN, &saved)
    }
    (buffer, cursor, isPasting) = ([], 0, false)
    var place = history.count
    var draft: [Character] = []
    draw(prompt)
    while true {
      guard let key = nextKey() else { return .end }
      switch key {
      case .enter:
        if isPasting {
          insert("\n")
        } else if buffer.last == "\\" {
          buffer[buffer.count - 1] = "\n"
          cursor = buffer.count
        } else {
          cursor = buffer.count
          draw(prompt)
          return .line(String(buffer))
        }
      case .interrupt: return .interrupted
      case .endOfInput:
        if buffer.isEmpty { return .end }
        if cursor < buffer.count { buffer.remove(at: cursor) }
      case .up, .down:
        if place == history.count { draft = buffer }
        place = max(0, min(history.count, place + (key == .up ? -1 : 1)))
        buffer = place == history.count ? draft : Array(history[place])
        cursor = buffer.count
      default: edit(key)
      }
      draw(prompt)
    }
  }

  private enum Key: Equatable {
    case character(Character)
    case enter, interrupt, endOfInput, up, down, left, right, home, end, backspace, delete
    case newLine, killToEnd, killToStart, killWord, pasteBegins, pasteEnds, nothing
  }

  private func edit(_ key: Key) {
    switch key {
    case .character(let character): insert(character)
    case .newLine: insert("\n")
    case .left: cursor = max(0, cursor - 1)
    case .right: cursor = min(buffer.count, cursor + 1)
    case .home: cursor = 0
    case .end: cursor = buffer.count
    case .backspace:
      if cursor > 0 {
        cursor -= 1
        buffer.remove(at: cursor)
      }
    case .delete: if cursor < buffer.count { buffer.remove(at: cursor) }
    case .killToEnd: buffer.removeSubrange(cursor...)
    case .killToStart:
      buffer.removeSubrange(..<cursor)
      cursor = 0
    case .killWord:
      var start = cursor
      while start > 0, buffer[start - 1].isWhitespace { start -= 1 }
      while start > 0, !buffer[start - 1].isWhitespace { start -= 1 }
      buffer.removeSubrange(start..<cursor)
      cursor = start
    case .pasteBegins: isPasting = true
    case .pasteEnds: isPasting = false
    default: break
    }
  }

  private func insert(_ character: Character) {
    buffer.insert(character, at: cursor)
    cursor += 1
  }

  private func nextByte() -> UInt8? {
    if waiting.isEmpty {
      var bytes = [UInt8](repeating: 0, count: 4096)
      let count = Foundation.read(0, &bytes, bytes.count)
      guard count > 0 else { return nil }
      waiting = bytes[..<count].reversed()
    }
    return waiting.popLast()
  }

  private func nextKey() -> Key? {
    guard let byte = nextByte() else { return nil }
    switch byte {
    case 0x0D, 0x0A: return .enter
    case 0x01: return .home
    case 0x02: return .left
    case 0x03: return .interrupt
    case 0x04: return .endOfInput
    case 0x05: return .end
    case 0x06: return .right
    case 0x08, 0x7F: return .backspace
    case 0x0B: return .killToEnd
    case 0x0E: return .down
    case 0x10: return .up
    case 0x15: return .killToStart
    case 0x17: return .killWord
    case 0x1B: return escapeSequence()
    case 0x09: return .character("\t")
    case 0..<0x20: return .nothing
    default: return character(byte)
    }
  }

  private func character(_ first: UInt8) -> Key {
    var bytes = [first]
    let more = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : first >= 0xC0 ? 1 : 0
    for _ in 0..<more {
      guard let next = nextByte() else { break }
      bytes.append(next)
    }
    return String(decoding: bytes, as: UTF8.self).first.map { .character($0) } ?? .nothing
  }

  private func escapeSequence() -> Key {
    guard !waiting.isEmpty, let second = nextByte() else { return .nothing }
    if second == 0x0D { return .newLine }
    guard second == UInt8(ascii: "[") || second == UInt8(ascii: "O") else { return .nothing }
    var digits = ""
    while let byte = nextByte() {
      switch byte {
      case UInt8(ascii: "A"): return .up
      case UInt8(ascii: "B"): return .down
      case UInt8(ascii: "C"): return .right
      case UInt8(ascii: "D"): return .left
      case UInt8(ascii: "H"): return .home
      case UInt8(ascii: "F"): return .end
      case UInt8(ascii: "~"):
        switch digits {
        case "1", "7": return .home
        case "4", "8": return .end
        case "3": return .delete
        case "200": return .pasteBegins
        case "201": return .pasteEnds
        default: return .nothing
        }
      case 0x30...0x3F: digits.append(Character(UnicodeScalar(byte)))
      default: return .nothing
      }
    }
    return .nothing
  }

  /// Rows that the last drawing took below its first.
  private var cursorRow = 0

  /// Writes the prompt and the line anew where they began, and puts the cursor in its place.
  private func draw(_ prompt: String) {
    let width = Self.columns()
    var output = cursorRow > 0 ? "\u{1B}[\(cursorRow)A" : ""
    output += "\r\u{1B}[J" + prompt
    var (row, column) = (0, Self.width(prompt))
    var (cursorAt, target) = (0, (row: 0, column: 0))
    for character in buffer {
      if cursorAt == cursor { target = (row, column) }
      cursorAt += 1
      if character == "\n" {
        output += "\r\n"
        (row, column) = (row + 1, 0)
        continue
      }
      let size = Self.width(String(character))
      if column + size > width {
        output += "\r\n"
        (row, column) = (row + 1, 0)
      }
      output.append(character)
      column += size
    }
    if cursorAt == cursor { target = (row, column) }
    if row > target.row { output += "\u{1B}[\(row - target.row)A" }
    output += "\r" + (target.column > 0 ? "\u{1B}[\(target.column)C" : "")
    cursorRow = target.row
    write(output)
    if cursor == buffer.count, row == target.row { cursorRow = row }
  }

  /// A new line begins below what is there.
  func forgetDrawing() { cursorRow = 0 }

  private static func columns() -> Int {
    var size = winsize()
    guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }

  /// Columns of a text: none for escape sequences and combining marks, two for wide characters.
  static func width(_ text: String) -> Int {
    var (count, isEscape) = (0, false)
    for scalar in text.unicodeScalars {
      if isEscape {
        isEscape = !(0x40...0x7E).contains(scalar.value) || scalar == "["
        continue
      }
      if scalar.value == 0x1B {
        isEscape = true
        continue
      }
      if scalar.properties.generalCategory == .nonspacingMark || scalar.value == 0x200D { continue }
      switch scalar.value {
      case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
        count += 2
      default: count += 1
      }
    }
    return count
  }

  private func write(_ text: String) {
    FileHandle.standardOutput.write(Data(text.utf8))
  }
}
