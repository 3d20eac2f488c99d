import ArgumentParser
import Foundation
import PrimerTensors
import PrimerTokenizers

/// What every command takes.
struct OutputOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Threads to compute with (default: all physical cores).")
  var threads = ComputePool.physicalCores

  @Option(parsing: .unconditional, help: "What all randomness grows from.")
  var seed: UInt64?

  @Flag(help: "Print one JSON object on standard output, and nothing else.")
  var json = false

  @Flag(help: "No progress and no remarks on standard error.")
  var quiet = false

  private static let mostThreads = 4096

  func validate() throws {
    guard 1...Self.mostThreads ~= threads else {
      throw ValidationError("--threads should be from 1 to \(Self.mostThreads).")
    }
  }

  /// Runs `body` with the threads asked for.
  func withThreads(_ body: () throws -> Void) rethrows {
    let pool =
      threads == ComputePool.shared.threadCount ? .shared : ComputePool(threads: threads)
    try ComputePool.$current.withValue(pool, operation: body)
  }

  /// A remark on standard error, unless quiet.
  func note(_ text: String) {
    if !quiet { StandardError.write(text + "\n") }
  }

  /// Fields as one JSON object with `--json`, else as lines of "name: value".
  /// - Throws: `OutputFailure`.
  func report(_ fields: KeyValuePairs<String, ReportedValue>) throws {
    let lines =
      json
      ? [
        "{" + fields.map { "\(JSONValue.quoted($0)): \($1.document)" }.joined(separator: ", ") + "}"
      ]
      : fields.map { "\($0): \($1.text)" }
    try StandardOutput.write(lines.joined(separator: "\n") + "\n")
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
    case let error as OutputFailure where error.isUnread: return ExitCode(128 + SIGPIPE)
    default:
      StandardError.write("primer: \(ExitStatus.message(of: error))\n")
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
