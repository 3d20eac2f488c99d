public import Foundation

/// What can go wrong between a program and its files. Every message names the file and says what to
/// do.
public enum FileError: Error, Equatable, Sendable, CustomStringConvertible, LocalizedError {
  case missing(URL)
  case notAFile(URL)
  case inputOutput(URL, action: String, reason: String)

  public var description: String {
    switch self {
    case .missing(let url): "\(url.path): no such file or folder; check the path"
    case .notAFile(let url): "\(url.path): not a regular file; give the path of a file"
    case .inputOutput(let url, let action, let reason): "\(url.path): cannot \(action): \(reason)"
    }
  }

  public var errorDescription: String? { description }

  /// The process's exit code of sysexits: 65 bad data, 66 input missing, 73 cannot
  /// create, 74 input or output.
  public var exitCode: Int32 {
    switch self {
    case .missing: 66
    case .notAFile: 65
    case .inputOutput(_, "create", _): 73
    case .inputOutput: 74
    }
  }

  /// The system's last error, in words.
  package static func last(_ url: URL, _ action: String) -> FileError {
    .inputOutput(url, action: action, reason: reason(errno))
  }

  static func reason(_ code: Int32) -> String {
    code == ENOSPC ? fullDisk : String(cString: strerror(code))
  }

  private static let fullDisk = "the disk is full; free some space, what was there before is kept"

  package var isFullDisk: Bool {
    if case .inputOutput(_, _, Self.fullDisk) = self { true } else { false }
  }
}
