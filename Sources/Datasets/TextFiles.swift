public import Foundation
import PrimerFiles

/// Texts to learn from: `.txt` files (a document each) and `.jsonl` files (a document a line,
/// `{"text": …}`), in a fixed order.
public struct TextFiles: Sendable {
  public enum Form: Sendable { case text, jsonLines }

  public struct File: Sendable {
    public let url: URL
    public let form: Form
  }

  public let files: [File]

  /// Files as given; of folders, all `.txt` and `.jsonl` files in them, sorted by path. A file
  /// given by name is text unless its name ends in `.jsonl`.
  public init(_ paths: [URL]) throws {
    files = try paths.flatMap { path in
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path.path, isDirectory: &isFolder) else {
        throw DatasetError.missing(path)
      }
      guard isFolder.boolValue else { return [Self.file(path)] }
      let found = Self.textFiles(in: path)
      guard !found.isEmpty else { throw DatasetError.noTextFiles(path) }
      return found
    }
  }

  private static func textFiles(in folder: URL) -> [File] {
    let paths = FileManager.default.enumerator(
      at: folder, includingPropertiesForKeys: nil, options: [.skipsHiddenFiles])
    return (paths?.compactMap { $0 as? URL } ?? [])
      .filter { ["txt", "jsonl"].contains($0.pathExtension) }
      .sorted { $0.path < $1.path }
      .map(file)
  }

  private static func file(_ url: URL) -> File {
    File(url: url, form: url.pathExtension == "jsonl" ? .jsonLines : .text)
  }

  /// What the error about an empty data set names.
  package var name: String { files.map(\.url.path).joined(separator: ", ") }

  /// Calls `body` with the text of all documents in order, in pieces of about `pieceSize` bytes
  /// that end at character borders: to train a tokenizer, or collect an alphabet, without holding
  /// it all.
  public func forEachPiece(
    pieceSize: Int = 1 << 20, _ body: ([UInt8]) throws -> Void
  ) throws {
    for file in files {
      var reader = try TextReader(file, chunkSize: pieceSize)
      while let chunk = try reader.next() {
        for piece in try chunk.pieces() { try body(piece.text) }
      }
    }
  }

  /// Size, characters and checksum of all files' bytes, in one pass.
  func survey() throws -> Survey {
    var survey = Survey()
    for file in files {
      let handle = try TextReader.open(file.url)
      defer { try? handle.close() }
      while let block = try TextReader.read(handle, 1 << 20, file.url) {
        survey.add(block)
      }
      survey.endFile(file.form)
    }
    return survey
  }

  struct Survey {
    private(set) var byteCount = 0
    private(set) var characterCount = 0
    private var hash = XXH64()

    var checksum: UInt64 { hash.digest }

    fileprivate mutating func add(_ block: Data) {
      block.withUnsafeBytes { bytes in
        hash.update(bytes)
        byteCount += bytes.count
        characterCount += countCharacters(bytes)
      }
    }

    fileprivate mutating func endFile(_ form: Form) {
      hash.update(
        [form == .text ? 0 : 1] + withUnsafeBytes(of: UInt64(byteCount).littleEndian, Array.init))
    }
  }
}

/// Unicode scalars in UTF-8: all bytes but continuations.
func countCharacters(_ bytes: UnsafeRawBufferPointer) -> Int {
  var count = 0
  for byte in bytes where byte & 0xC0 != 0x80 { count += 1 }
  return count
}
