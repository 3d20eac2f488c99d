import Foundation

/// Reads one file in chunks of bounded size that a tokenizer may encode one by one: a text is cut
/// where no split pattern in use joins the two sides, JSON lines between lines.
struct TextReader {
  private let file: TextFiles.File
  private let chunkSize: Int
  private let handle: FileHandle
  private var carried: [UInt8] = []
  private var position = 0
  private var line = 1
  private var ended = false

  init(_ file: TextFiles.File, chunkSize: Int) throws {
    precondition(chunkSize > 0, "chunk size \(chunkSize)")
    self.file = file
    self.chunkSize = chunkSize
    handle = try Self.open(file.url)
  }

  /// The next chunk; nil at the end of the file.
  mutating func next() throws -> TextChunk? {
    guard !ended else { return nil }
    while true {
      if carried.count >= chunkSize, let cut = border(in: carried) {
        return take(cut)
      }
      guard let block = try Self.read(handle, max(chunkSize, carried.count), file.url) else {
        ended = true
        try? handle.close()
        return carried.isEmpty && position > 0 ? nil : take(carried.count)
      }
      carried += block
    }
  }

  private mutating func take(_ cut: Int) -> TextChunk {
    let bytes = Array(carried[..<cut])
    carried.removeFirst(cut)
    let chunk = TextChunk(
      bytes: bytes, file: file, position: position, line: line,
      startsDocument: position == 0, endsDocument: ended)
    position += cut
    if file.form == .jsonLines { line += bytes.count { $0 == UInt8(ascii: "\n") } }
    return chunk
  }

  private func border(in bytes: [UInt8]) -> Int? {
    switch file.form {
    case .jsonLines: bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 }
    case .text: SafeBorder.last(in: bytes) ?? SafeBorder.lastResort(in: bytes)
    }
  }

  static func open(_ url: URL) throws -> FileHandle {
    do {
      return try FileHandle(forReadingFrom: url)
    } catch {
      throw FileManager.default.fileExists(atPath: url.path)
        ? DatasetError.inputOutput(url.path, action: "open", reason: error.localizedDescription)
        : DatasetError.missing(url)
    }
  }

  static func read(_ handle: FileHandle, _ count: Int, _ url: URL) throws -> Data? {
    do {
      guard let block = try handle.read(upToCount: count), !block.isEmpty else { return nil }
      return block
    } catch {
      throw DatasetError.inputOutput(url.path, action: "read", reason: error.localizedDescription)
    }
  }
}

/// Where a text may be cut so that encoding the halves gives the tokens of the whole.
///
/// Every split pattern in use (GPT-2, cl100k, o200k, Llama 3, Qwen) ends a piece after a single
/// line feed between characters that are not white space (o200k, unless a slash follows), and before
/// a single space between ASCII letters.
enum SafeBorder {
  /// A text without a border for this long is cut between any two characters.
  static let patience = 1 << 24

  static func last(in bytes: [UInt8]) -> Int? {
    var at = bytes.count - 2
    while at >= 1 {
      if bytes[at] == UInt8(ascii: "\n") {
        let isBorder =
          bytes[at + 1] != UInt8(ascii: "/") && !endsInSpace(bytes[..<at])
          && !startsWithSpace(bytes[(at + 1)...])
        if isBorder { return at + 1 }
      } else if bytes[at] == UInt8(ascii: " "), isLetter(bytes[at - 1]), isLetter(bytes[at + 1]) {
        return at
      }
      at -= 1
    }
    return nil
  }

  static func lastResort(in bytes: [UInt8]) -> Int? {
    guard bytes.count >= patience else { return nil }
    return (bytes.count / 2...bytes.count - 1).last { bytes[$0] & 0xC0 != 0x80 }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func startsWithSpace(_ bytes: ArraySlice<UInt8>) -> Bool {
    // A character cut off by the end of the buffer counts as white space: no border there.
    guard let text = String(validating: bytes.prefix(characterLength(bytes.first!)), as: UTF8.self)
    else { return true }
    return text.unicodeScalars.first!.properties.isWhitespace
  }

  private static func endsInSpace(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard let start = bytes.suffix(4).lastIndex(where: { $0 & 0xC0 != 0x80 }),
      let text = String(validating: bytes[start...], as: UTF8.self)
    else { return true }
    return text.unicodeScalars.first!.properties.isWhitespace
  }

  private static func characterLength(_ lead: UInt8) -> Int {
    lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
  }
}
