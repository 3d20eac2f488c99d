public import Foundation

/// Models that `primer pull` fetched: in `PRIMER_CACHE`, else in `primer` of `XDG_CACHE_HOME` or
/// `~/.cache`. Tests that need one say so and are skipped where it is absent.
public enum FetchedModels {
  private static let folder: URL = {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment["PRIMER_CACHE"], !path.isEmpty { return URL(filePath: path) }
    let base =
      environment["XDG_CACHE_HOME"].flatMap { $0.isEmpty ? nil : URL(filePath: $0) }
      ?? FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache")
    return base.appending(path: "primer")
  }()

  /// The GGUF file of a model of the catalogue.
  public static func file(_ name: String) -> URL? {
    let model = folder.appending(path: "models").appending(path: name)
    let files = try? FileManager.default.contentsOfDirectory(
      at: model, includingPropertiesForKeys: nil)
    return files?.first { $0.pathExtension == "gguf" }
  }
}
