import ArgumentParser
import Foundation
import PrimerCheckpoints
import PrimerDatasets
import PrimerFiles
import PrimerGeneration
import PrimerLayers
import PrimerTensors
import PrimerTokenizers
import PrimerTraining

/// What every command takes.
struct OutputOptions: ParsableArguments {
  @Option(help: "Threads to compute with (default: all physical cores).")
  var threads = ComputePool.physicalCores

  @Option(help: "What all randomness grows from.")
  var seed: UInt64?

  @Flag(help: "Print one JSON object on standard output, and nothing else.")
  var json = false

  @Flag(help: "No progress and no remarks on standard error.")
  var quiet = false

  func validate() throws {
    guard threads > 0 else { throw ValidationError("--threads should be at least 1") }
  }

  /// Runs `body` with the threads asked for.
  func withThreads(_ body: () throws -> Void) rethrows {
    let pool =
      threads == ComputePool.shared.threadCount ? .shared : ComputePool(threads: threads)
    try ComputePool.$current.withValue(pool, operation: body)
  }

  /// A remark on standard error, unless quiet.
  func note(_ text: String) {
    if !quiet { FileHandle.standardError.write(Data((text + "\n").utf8)) }
  }

  /// Fields as one JSON object with `--json`, else as lines of "name: value".
  func report(_ fields: KeyValuePairs<String, ReportedValue>) {
    let lines =
      json
      ? [
        "{" + fields.map { "\(JSONValue.quoted($0)): \($1.document)" }.joined(separator: ", ") + "}"
      ]
      : fields.map { "\($0): \($1.text)" }
    FileHandle.standardOutput.write(Data((lines.joined(separator: "\n") + "\n").utf8))
  }

  /// Runs a command's body; what goes wrong becomes a message on standard error and an exit code.
  func run(_ body: () throws -> Void) throws {
    do { try body() } catch { throw Self.failure(error) }
  }

  /// The same for a body that waits.
  func runWaiting(_ body: () async throws -> Void) async throws {
    do { try await body() } catch { throw Self.failure(error) }
  }

  private static func failure(_ error: any Error) -> any Error {
    switch error {
    case is ExitCode, is ValidationError, is CleanExit: return error
    default:
      FileHandle.standardError.write(Data("primer: \(error)\n".utf8))
      return ExitCode(
        (error as? any ExitStatusProviding)?.exitStatus.rawValue ?? ExitStatus.bug.rawValue)
    }
  }
}

/// The sysexits code of an error of any layer.
private func exitCode(_ error: any Error) -> Int32 {
  switch error {
  case let error as any ExitStatusProviding: error.exitStatus.rawValue
  case let error as FileError: error.exitCode
  case let error as CheckpointError: error.exitCode
  case let error as DatasetError: error.exitCode
  case let error as TrainingError: error.exitCode
  case let error as GenerationError: error.exitCode
  case is ParameterError: ExitStatus.badData.rawValue
  default: ExitStatus.bug.rawValue
  }
}

/// A value of a report.
enum ReportedValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
  case text(String)
  case whole(Int)
  case real(Double)
  case list([Int])
  case object(KeyValuePairs<String, ReportedValue>)

  init(integerLiteral value: Int) { self = .whole(value) }
  init(stringLiteral value: String) { self = .text(value) }

  var text: String {
    switch self {
    case .text(let value): value
    case .whole(let value): "\(value)"
    case .real(let value): "\((value * 1e6).rounded() / 1e6)"
    case .list(let values): "[" + values.map(String.init).joined(separator: ", ") + "]"
    case .object(let fields):
      "{" + fields.map { "\(JSONValue.quoted($0)): \($1.document)" }.joined(separator: ", ") + "}"
    }
  }

  var document: String {
    switch self {
    case .text(let value): JSONValue.quoted(value)
    case .real(let value) where !value.isFinite: "null"
    default: text
    }
  }
}

/// Exit codes of sysexits.h.
enum ExitStatus: Int32 {
  case usage = 64
  case badData = 65
  case inputMissing = 66
  case bug = 70
  case cannotCreate = 73
  case inputOutput = 74
}

/// An error that knows its exit code.
protocol ExitStatusProviding: Error {
  var exitStatus: ExitStatus { get }
}

/// What a command itself finds wrong.
struct CommandFailure: ExitStatusProviding, CustomStringConvertible {
  let exitStatus: ExitStatus
  let description: String
}

extension TokenizerError: ExitStatusProviding {
  var exitStatus: ExitStatus {
    switch self {
    case .missing: .inputMissing
    case .unreadable: .inputOutput
    case .unwritable: .cannotCreate
    case .malformed, .unsupported, .unknownCharacter, .training: .badData
    }
  }
}
