public import Foundation

/// What keeps the service from starting, or a model from being loaded.
public enum ServingError: Error, Equatable, Sendable, CustomStringConvertible {
  case badData(URL, reason: String)
  /// Another service has the folder.
  case dataInUse(URL, process: Int32?)
  case cannotListen(host: String, port: Int, reason: String)
  case noModel
  case modelUnusable(name: String, reason: String)
  /// It takes `bytes` with its cache, of which `allowed` are left beside what is never unloaded.
  case modelTooLarge(name: String, bytes: Int, allowed: Int)
  /// The others did not become idle in time.
  case noRoom(name: String)

  public var description: String {
    switch self {
    case .badData(let url, let reason):
      "\(url.path): \(reason); restore it from a backup, or move it away to start anew"
    case .dataInUse(let url, let process):
      "\(url.path) is in use by another service\(process.map { " (process \($0))" } ?? ""); stop it, or give another folder with --data"
    case .cannotListen(let host, let port, let reason):
      "cannot listen on \(host), port \(port): \(reason); choose others with --host and --port"
    case .noModel: "no model to serve; give one with --model, or fetch one with 'primer pull'"
    case .modelUnusable(let name, let reason):
      "the model '\(name)' cannot be loaded: \(reason)"
    case .modelTooLarge(let name, let bytes, let allowed):
      "the model '\(name)' takes \(Self.megabytes(bytes)) with its cache, and models may take \(Self.megabytes(allowed)); allow more with --memory"
    case .noRoom(let name):
      "there is no memory for the model '\(name)' while the others answer; try again later, or allow more with --memory"
    }
  }

  private static func megabytes(_ bytes: Int) -> String { "\((bytes + 999_999) / 1_000_000) MB" }

  /// The process's exit code of sysexits: 64 usage, 65 bad data, 70 our bug, 73 taken.
  public var exitCode: Int32 {
    switch self {
    case .badData, .modelUnusable: 65
    case .noModel, .modelTooLarge: 64
    case .noRoom: 70
    case .dataInUse, .cannotListen: 73
    }
  }
}
