public import Foundation
import PrimerFiles

/// Tells the weights of a model from others of the same name, so that an answer, and what people say
/// of it, names what really wrote it.
public enum ModelVersion {
  /// Bytes of a file that are read at one place, and at how many places of a large one: a file that was
  /// trained, converted or quantised anew differs everywhere.
  private static let (piece, pieces) = (256 << 10, 64)

  /// Twelve hexadecimal digits of the .gguf file, or of all files of the model folder, at `url`.
  /// - Throws: an error of the file system.
  public static func read(_ url: URL) throws -> String {
    var hash = XXH64()
    for file in try files(url) {
      let handle = try FileHandle(forReadingFrom: file)
      defer { try? handle.close() }
      let size = Int(try handle.seekToEnd())
      hash.update(Array("\(file.lastPathComponent) \(size)\n".utf8))
      let places = size <= piece * pieces ? (size + piece - 1) / piece : pieces
      for place in 0..<places {
        let start = places == pieces ? (size - piece) / (pieces - 1) * place : piece * place
        try handle.seek(toOffset: UInt64(max(0, start)))
        hash.update(try handle.read(upToCount: piece) ?? Data())
      }
    }
    return String(XXH64.hexadecimal(hash.digest).prefix(12))
  }

  private static func files(_ url: URL) throws -> [URL] {
    let url = url.resolvingSymlinksInPath()
    let isFolder = try url.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true
    guard isFolder else { return [url] }
    return try FileManager.default.contentsOfDirectory(
      at: url, includingPropertiesForKeys: nil
    ).filter { ["json", "jinja", "safetensors", "gguf", "model"].contains($0.pathExtension) }
      .sorted { $0.lastPathComponent < $1.lastPathComponent }
  }
}
