public import Foundation
internal import PrimerFiles

/// Writes a token file as tokens come; it appears under its name at `finish()`.
struct TokenFileWriter: ~Copyable {
  private var file: AtomicFile
  private var header: TokenFileHeader
  private var hash = XXH64()
  private var index: [UInt64] = []
  private var openDocument = false
  private var trainingEnded = false

  init(
    _ url: URL, vocabularySize: Int, key: UInt64,
    write: @escaping AtomicFile.Write = AtomicFile.systemWrite
  ) throws {
    let empty = try TokenFileHeader(vocabularySize: vocabularySize, key: key)
    var start = try AtomicFile(url, write: write)
    try start.append([UInt8](repeating: 0, count: TokenFileHeader.size))
    header = empty
    file = start
  }

  /// Appends tokens of the document under way, which stand for `byteCount` bytes of text.
  mutating func append(_ tokens: [Int32], byteCount: Int) throws {
    guard !tokens.isEmpty || byteCount > 0 else { return }
    if !openDocument {
      index += [UInt64(header.tokenCount), UInt64(header.byteCount)]
      openDocument = true
    }
    if let bad = tokens.first(where: { !(0..<header.vocabularySize ~= Int($0)) }) {
      throw DatasetError.tokenOutsideVocabulary(bad, vocabulary: header.vocabularySize)
    }
    if header.elementSize == 2 {
      try tokens.map { UInt16($0).littleEndian }.withUnsafeBytes { try append($0) }
    } else {
      try tokens.map { UInt32($0).littleEndian }.withUnsafeBytes { try append($0) }
    }
    header.tokenCount += tokens.count
    header.byteCount += byteCount
  }

  mutating func endDocument() { openDocument = false }

  /// What follows is for validation.
  mutating func endTraining() {
    guard !trainingEnded else { return }
    endDocument()
    trainingEnded = true
    header.trainingCount = header.tokenCount
  }

  consuming func finish() throws {
    endTraining()
    header.documentCount = index.count / 2
    let padding = header.indexOffset - TokenFileHeader.size - header.elementSize * header.tokenCount
    try [UInt8](repeating: 0, count: padding).withUnsafeBytes { try append($0) }
    index += [UInt64(header.tokenCount), UInt64(header.byteCount)]
    try index.map(\.littleEndian).withUnsafeBytes { try append($0) }
    header.checksum = hash.digest
    try file.overwrite(at: 0, header.bytes)
    try file.commit()
  }

  private mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
    hash.update(bytes)
    try file.append(bytes)
  }
}

extension TokenFile {
  /// Writes tokens already made, a document each array, and opens them; for tests and benchmarks.
  public static func write(
    documents: [[Int32]], validation: [[Int32]] = [], vocabularySize: Int, to url: URL
  ) throws -> TokenFile {
    var writer = try TokenFileWriter(url, vocabularySize: vocabularySize, key: 0)
    for tokens in documents {
      try writer.append(tokens, byteCount: tokens.count)
      writer.endDocument()
    }
    writer.endTraining()
    for tokens in validation {
      try writer.append(tokens, byteCount: tokens.count)
      writer.endDocument()
    }
    try writer.finish()
    return try TokenFile(opening: url)
  }
}
