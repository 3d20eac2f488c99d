public import Foundation

/// What keeps the service from starting.
public enum ServingError: Error, Equatable, Sendable, CustomStringConvertible {
  case badData(URL, reason: String)
  case noModel

  public var description: String {
    switch self {
    case .badData(let url, let reason):
      "\(url.path): \(reason); restore it from a backup, or move it away to start anew"
    case .noModel: "no model to serve; give one with --model, or fetch one with 'primer pull'"
    }
  }

  /// The process's exit code of sysexits: 64 usage, 65 bad data.
  public var exitCode: Int32 {
    switch self {
    case .badData: 65
    case .noModel: 64
    }
  }
}
