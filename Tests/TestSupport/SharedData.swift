public import Foundation

/// The folder of test texts and conformance vectors: `PRIMER_TEST_DATA`, else `../shared/data`
/// beside the package. nil where it is absent; tests that need it say so and are skipped.
public enum SharedData {
  public static let folder: URL? = {
    let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let path =
      ProcessInfo.processInfo.environment["PRIMER_TEST_DATA"].map { URL(filePath: $0) }
      ?? package.deletingLastPathComponent().appending(path: "shared/data")
    return FileManager.default.fileExists(atPath: path.path) ? path : nil
  }()

  public static var isPresent: Bool { folder != nil }

  /// A file of the folder, "tinyshakespeare/input.txt".
  public static func file(_ path: String) -> URL { folder!.appending(path: path) }
}
