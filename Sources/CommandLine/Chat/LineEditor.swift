import Foundation

/// Reads lines from a terminal, with editing keys and a history; from anything else, line by line.
///
/// Keys: arrows (with Ctrl or Alt by words), Home, End, Backspace, Delete, Ctrl-A E B F K U W L, Ctrl-P N;
/// Alt-Return or a trailing backslash goes on with another line, pasted line ends are kept.
final class LineEditor {
  enum Input: Equatable {
    case line(String)
    /// Ctrl-C: the line is given up.
    case interrupted
    /// Ctrl-D on an empty line, or the end of the input.
    case end
  }

  private(set) var history: [String]
  private let isTerminal: Bool
  private var buffer: [Character] = []
  private var cursor = 0
  private var isPasting = false
  /// Bytes read and not used yet.
  private var waiting: [UInt8] = []

  /// Tells of another size of the terminal.
  private let resizes: ResizeWatcher?
  private let mode: TerminalMode?

  /// - Parameter isPlain: takes a terminal for anything else, and writes nothing.
  init(history: [String] = [], isPlain: Bool = false) {
    self.history = history
    isTerminal = isatty(0) == 1 && isatty(1) == 1 && !isPlain
    resizes = isTerminal ? ResizeWatcher() : nil
    mode = isTerminal ? TerminalMode() : nil
  }

  /// Ctrl-C is a signal from here on, until the next line.
  func expectSignals() { mode?.set(signals: true) }

  /// The terminal is as it was before the first line.
  func end() { mode?.restore() }

  func remember(_ line: String) {
    if !line.isEmpty, history.last != line { history.append(line) }
  }

  /// The next line, after `prompt`.
  func read(prompt: String) -> Input {
    guard isTerminal else {
      guard let line = readLine(strippingNewline: true) else { return .end }
      return .line(line)
    }
    mode?.set(signals: false)
    write("\u{1B}[?2004h")
    defer { write("\u{1B}[?2004l\n") }
    forgetDrawing()
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
      case .clearScreen:
        write("\u{1B}[H\u{1B}[2J")
        forgetDrawing()
      default: edit(key)
      }
      draw(prompt)
    }
  }

  private enum Key: Equatable {
    case character(Character)
    case enter, interrupt, endOfInput, up, down, left, right, home, end, backspace, delete
    case wordLeft, wordRight, newLine, killToEnd, killToStart, killWord, clearScreen
    case pasteBegins, pasteEnds, nothing
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
    case .wordLeft: cursor = wordStart
    case .wordRight:
      while cursor < buffer.count, buffer[cursor].isWhitespace { cursor += 1 }
      while cursor < buffer.count, !buffer[cursor].isWhitespace { cursor += 1 }
    case .killWord:
      let start = wordStart
      buffer.removeSubrange(start..<cursor)
      cursor = start
    case .pasteBegins: isPasting = true
    case .pasteEnds: isPasting = false
    default: break
    }
  }

  /// Where the word before the cursor begins.
  private var wordStart: Int {
    var start = cursor
    while start > 0, buffer[start - 1].isWhitespace { start -= 1 }
    while start > 0, !buffer[start - 1].isWhitespace { start -= 1 }
    return start
  }

  /// Puts a character at the cursor; an accent or the rest of a picture joins the one before it.
  private func insert(_ character: Character) {
    if cursor > 0 {
      let joined = String(buffer[cursor - 1]) + String(character)
      if joined.count == 1 {
        buffer[cursor - 1] = Character(joined)
        return
      }
    }
    buffer.insert(character, at: cursor)
    cursor += 1
  }

  /// The next byte; nil at the end of the input.
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
    // The terminal has another size: the line is drawn anew.
    if waiting.isEmpty, resizes?.comesBeforeInput() ?? false { return .nothing }
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
    case 0x0C: return .clearScreen
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
    // The rest comes at once, or the key was Escape.
    var input = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
    guard !waiting.isEmpty || poll(&input, 1, 30) > 0, let second = nextByte() else {
      return .nothing
    }
    switch second {
    case 0x0D: return .newLine
    case 0x7F: return .killWord
    case UInt8(ascii: "b"): return .wordLeft
    case UInt8(ascii: "f"): return .wordRight
    case UInt8(ascii: "["), UInt8(ascii: "O"): break
    default: return .nothing
    }
    var parameters = ""
    while let byte = nextByte() {
      // Held with Ctrl or Alt, an arrow passes a word.
      let isByWord = parameters.hasSuffix(";5") || parameters.hasSuffix(";3")
      switch byte {
      case UInt8(ascii: "A"): return .up
      case UInt8(ascii: "B"): return .down
      case UInt8(ascii: "C"): return isByWord ? .wordRight : .right
      case UInt8(ascii: "D"): return isByWord ? .wordLeft : .left
      case UInt8(ascii: "H"): return .home
      case UInt8(ascii: "F"): return .end
      case UInt8(ascii: "~"):
        switch parameters {
        case "1", "7": return .home
        case "4", "8": return .end
        case "3": return .delete
        case "200": return .pasteBegins
        case "201": return .pasteEnds
        default: return .nothing
        }
      case 0x30...0x3F: parameters.append(Character(UnicodeScalar(byte)))
      default: return .nothing
      }
    }
    return .nothing
  }

  /// What the last drawing left: columns of its rows as far as the cursor's, where the cursor is in
  /// it, and how wide the terminal was.
  private var drawn = (rows: [0], column: 0, width: 0)

  /// Rows above the cursor, now that the terminal may be narrower: rows too long for it were broken.
  private func rowsAbove(_ width: Int) -> Int {
    let row = drawn.rows.count - 1
    if width >= drawn.width { return row }
    let above = drawn.rows.dropLast().reduce(0) { $0 + max(1, ($1 + width - 1) / width) }
    return above + min(drawn.column, drawn.width - 1) / width
  }

  /// Writes the prompt and the line anew where they began, and puts the cursor in its place.
  private func draw(_ prompt: String) {
    let width = TerminalWidth.columns
    let above = rowsAbove(width)
    var output = above > 0 ? "\u{1B}[\(above)A" : ""
    output += "\r\u{1B}[J" + prompt
    var rows = [TerminalWidth.of(prompt)]
    var target = (row: 0, column: rows[0])
    func breakLine() {
      output += "\r\n"
      rows.append(0)
    }
    for (index, character) in buffer.enumerated() {
      let shown = character == "\t" ? "    " : String(character)
      let size = TerminalWidth.of(shown)
      if character != "\n", rows[rows.count - 1] + size > width { breakLine() }
      if index == cursor { target = (rows.count - 1, rows[rows.count - 1]) }
      if character == "\n" {
        breakLine()
      } else {
        output += shown
        rows[rows.count - 1] += size
      }
    }
    if cursor == buffer.count {
      // Behind a full row the cursor is in the next one.
      if rows[rows.count - 1] >= width { breakLine() }
      target = (rows.count - 1, rows[rows.count - 1])
    }
    if rows.count - 1 > target.row { output += "\u{1B}[\(rows.count - 1 - target.row)A" }
    output += "\r" + (target.column > 0 ? "\u{1B}[\(target.column)C" : "")
    drawn = (Array(rows[...target.row]), target.column, width)
    write(output)
  }

  /// A new line begins below what is there.
  private func forgetDrawing() { drawn = ([0], 0, 0) }

  private func write(_ text: String) {
    // A terminal that is gone is found out by the next read.
    try? StandardOutput.write(text)
  }
}
