import Foundation
import PrimerCheckpoints

/// A GGUF file or a model folder on this machine.
struct LocalModel {
  private let url: URL
  private let isFolder: Bool

  init(_ url: URL) {
    self.url = url
    isFolder = PullLocation.isFolder(url)
  }

  /// Opens the headers of its files: they say what a file is, and whether it is all there.
  ///
  /// - Throws: `CheckpointError` and `FileError`, with what to do.
  func check() throws {
    if isFolder { _ = try ModelFolder(url) } else { _ = try GGUFFile(url, unknownTypes: .listed) }
  }

  /// The files that make up the model.
  private var files: [URL] {
    get throws {
      guard isFolder else { return [url] }
      return try FileManager.default.contentsOfDirectory(atPath: url.path)
        .filter(HubRepository.isNeeded).sorted().map { url.appending(path: $0) }
    }
  }

  /// Of the file, or of the lines "hash  name" of the folder's files.
  var sha256: String {
    get throws {
      guard isFolder else { return try FileHash.sha256(of: url) }
      return FileHash.sha256(
        ofLines: try files.map {
          FileHash.line(try FileHash.sha256(of: $0), $0.lastPathComponent)
        })
    }
  }

  /// Copies the model into the folder `target`, which is removed where that fails.
  ///
  /// - Throws: `CheckpointError` and `FileError` where it is no model.
  func copy(as name: String, to target: URL) throws -> ModelCache.Record {
    let manager = FileManager.default
    do {
      try check()
      var bytes = 0
      for file in try files {
        let copied = target.appending(path: file.lastPathComponent)
        try? manager.removeItem(at: copied)
        // The hub's own cache holds links.
        try manager.copyItem(at: file.resolvingSymlinksInPath(), to: copied)
        bytes += Download.size(of: copied)
      }
      let file = isFolder ? nil : url.lastPathComponent
      let copied = LocalModel(file.map { target.appending(path: $0) } ?? target)
      return ModelCache.Record(
        name: name, source: url.path, file: file, bytes: bytes, sha256: try copied.sha256)
    } catch {
      try? manager.removeItem(at: target)
      throw error
    }
  }
}
