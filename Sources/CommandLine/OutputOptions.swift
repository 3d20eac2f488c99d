import ArgumentParser
import Foundation
import PrimerTensors
import PrimerTokenizers

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
      return ExitCode(ExitStatus.code(of: error))
    }
  }
}

/// A value of a report.
enum ReportedValue: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
  case text(String)
  case whole(Int)
  case real(Double)
  case list([Int])
  case object(KeyValuePairs<String, ReportedValue>)
  case objects([KeyValuePairs<String, ReportedValue>])

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
    case .objects(let all):
      "[" + all.map { ReportedValue.object($0).document }.joined(separator: ", ") + "]"
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
