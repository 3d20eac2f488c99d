import Foundation

/// Consecutive bytes of one file, which start and end where a tokenizer may be started anew.
struct TextChunk: Sendable {
  /// Text of one document, or of a part of it.
  struct Piece {
    let text: [UInt8]
    let endsDocument: Bool
  }

  let bytes: [UInt8]
  let file: TextFiles.File
  /// Of the first byte, in the file.
  let position: Int
  /// Of the first byte, from 1; JSON lines only.
  let line: Int
  let startsDocument: Bool
  let endsDocument: Bool

  var characterCount: Int { bytes.withUnsafeBytes(countCharacters) }

  /// The documents, or the part of one, in this chunk; checks UTF-8 and JSON.
  func pieces() throws -> [Piece] {
    switch file.form {
    case .text:
      try checkUTF8(bytes[...])
      return bytes.isEmpty ? [] : [Piece(text: bytes, endsDocument: endsDocument)]
    case .jsonLines:
      return try lines()
    }
  }

  /// The chunk in two, the first holding `count` characters of a text.
  func split(afterCharacters count: Int) -> (TextChunk, TextChunk) {
    var seen = 0
    let cut = bytes.firstIndex { byte in
      if byte & 0xC0 != 0x80 { seen += 1 }
      return seen > count
    }
    return split(at: cut ?? bytes.count)
  }

  /// The chunk in two, the second starting with the first line at or after a position in the file.
  func split(atLineFrom position: Int) -> (TextChunk, TextChunk) {
    let start = max(0, position - self.position)
    guard start > 0 else { return split(at: 0) }
    let newline = bytes[(start - 1)...].firstIndex(of: UInt8(ascii: "\n"))
    return split(at: newline.map { $0 + 1 } ?? bytes.count)
  }

  private func split(at cut: Int) -> (TextChunk, TextChunk) {
    let first = TextChunk(
      bytes: Array(bytes[..<cut]), file: file, position: position, line: line,
      startsDocument: startsDocument, endsDocument: false)
    let newlines = first.bytes.count { $0 == UInt8(ascii: "\n") }
    let second = TextChunk(
      bytes: Array(bytes[cut...]), file: file, position: position + cut, line: line + newlines,
      startsDocument: true, endsDocument: endsDocument)
    return (first, second)
  }

  private struct Record: Decodable { let text: String }

  private func lines() throws -> [Piece] {
    var pieces: [Piece] = []
    let decoder = JSONDecoder()
    var number = line
    for row in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      defer { number += 1 }
      guard row.contains(where: { $0 > UInt8(ascii: " ") }) else { continue }
      try checkUTF8(row)
      do {
        let record = try decoder.decode(Record.self, from: Data(row))
        if !record.text.isEmpty {
          pieces.append(Piece(text: Array(record.text.utf8), endsDocument: true))
        }
      } catch let error as DecodingError {
        throw DatasetError.badLine(file.url, line: number, reason: Self.reason(error))
      }
    }
    return pieces
  }

  private static func reason(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, _): "no \"\(key.stringValue)\""
    case .typeMismatch(_, let context) where context.codingPath.isEmpty: "not a JSON object"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "\"\(context.codingPath.last!.stringValue)\" is not a text"
    default: "not valid JSON"
    }
  }

  private func checkUTF8(_ part: ArraySlice<UInt8>) throws {
    guard String(validating: part, as: UTF8.self) == nil else { return }
    var parser = Unicode.UTF8.ForwardParser()
    var bytes = part.makeIterator()
    var good = 0
    while case .valid(let character) = parser.parseScalar(from: &bytes) { good += character.count }
    throw DatasetError.invalidUTF8(file.url, byte: position + part.startIndex + good)
  }
}
