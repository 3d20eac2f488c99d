import Foundation
import PrimerCheckpoints
import PrimerGeneration
import PrimerModels
import PrimerTokenizers

/// A MODEL of the command line: a folder in Hugging Face layout, or a run folder.
enum ModelLocation {
  static func load(_ path: String) throws -> TextGenerator {
    let folder = try folder(path)
    return try TextGenerator(ModelRegistry.load(folder), Tokenizer.load(from: folder))
  }

  /// - Throws: an error that says what the path is instead.
  static func folder(_ path: String) throws -> URL {
    let url = URL(filePath: path)
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
      throw CommandFailure(
        exitStatus: .inputMissing,
        description: "\(path): no such model; give a folder in Hugging Face layout or a run folder")
    }
    guard isFolder.boolValue else {
      throw CommandFailure(
        exitStatus: .badData,
        description: "\(path): a file, not a model folder; give the folder that holds config.json")
    }
    return url
  }
}
