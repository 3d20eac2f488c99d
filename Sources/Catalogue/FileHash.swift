import Foundation
import PrimerFiles

/// Hashes of files.
enum FileHash {
  static func sha256(of url: URL) throws -> String {
    var hash = SHA256()
    let file = try FileHandle(forReadingFrom: url)
    defer { try? file.close() }
    while let bytes = try file.read(upToCount: 4 << 20), !bytes.isEmpty {
      bytes.withUnsafeBytes { hash.update($0) }
    }
    return hash.hexadecimal
  }

  /// A file's line in what stands for a folder, as sha256sum writes it.
  static func line(_ sha256: String, _ name: String) -> String { sha256 + "  " + name }

  /// The hash of a folder: of the lines of its files, sorted.
  static func sha256(ofLines lines: [String]) -> String {
    var hash = SHA256()
    for line in lines.sorted() { hash.update(Array((line + "\n").utf8)) }
    return hash.hexadecimal
  }
}
