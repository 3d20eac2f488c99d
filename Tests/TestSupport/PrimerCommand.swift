public import Foundation

/// The `primer` program as a user runs it.
public struct PrimerCommand: Sendable {
  /// What a finished call left.
  public struct Outcome: Sendable {
    public let code: Int32
    public let output: String
    public let errors: String

    /// Standard output as the one JSON object that it must be.
    public func json() throws -> [String: Any] {
      let object = try JSONSerialization.jsonObject(with: Data(output.utf8))
      guard let fields = object as? [String: Any] else { throw CocoaError(.coderInvalidValue) }
      return fields
    }
  }

  /// `PRIMER_BINARY`, else the newest build beside these sources.
  public static let binary: URL? = {
    if let path = ProcessInfo.processInfo.environment["PRIMER_BINARY"] {
      return URL(filePath: path)
    }
    let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return ["release", "debug"].map { package.appending(path: ".build/\($0)/primer") }
      .compactMap { url in
        (try? url.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate)
          .map { (url, $0) }
      }
      .max { $0.1 < $1.1 }?.0
  }()

  public static var isBuilt: Bool { binary != nil }

  /// Starts the program; its output goes to files in `folder`.
  ///
  /// - Parameters:
  ///   - largestFile: KiB that a file may have, which stands in for a full disk.
  ///   - shell: how bash runs the program, which is `"$@"` there; nil: it runs alone.
  public static func start(
    _ arguments: [String], in folder: URL, environment: [String: String] = [:],
    largestFile: Int? = nil, shell: String? = nil
  ) throws -> (process: Process, finish: @Sendable () throws -> Outcome) {
    let process = Process()
    let limit = largestFile.map { "ulimit -f \($0); trap '' XFSZ; exec \"$@\"" }
    let script = (shell ?? limit).map { ["-c", $0, "bash", binary!.path] }
    process.executableURL = script == nil ? binary! : URL(filePath: "/bin/bash")
    process.arguments = (script ?? []) + arguments
    process.environment = ProcessInfo.processInfo.environment
      .merging(["PRIMER_CACHE": folder.appending(path: "cache").path]) { $1 }
      .merging(environment) { $1 }
    let name = UUID().uuidString
    let files = ["out", "err"].map { folder.appending(path: "\(name).\($0)") }
    for file in files { try Data().write(to: file) }
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return (
      process,
      {
        process.waitUntilExit()
        let texts = try files.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
        for file in files { try? FileManager.default.removeItem(at: file) }
        let signal = process.terminationReason == .uncaughtSignal
        return Outcome(
          code: signal ? 128 + process.terminationStatus : process.terminationStatus,
          output: texts[0], errors: texts[1])
      }
    )
  }

  /// Runs the program to its end.
  public static func run(
    _ arguments: [String], in folder: URL, environment: [String: String] = [:],
    largestFile: Int? = nil, shell: String? = nil
  ) throws -> Outcome {
    try start(
      arguments, in: folder, environment: environment, largestFile: largestFile, shell: shell
    ).finish()
  }
}
