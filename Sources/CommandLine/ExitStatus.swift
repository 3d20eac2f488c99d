import PrimerCatalogue
import PrimerCheckpoints
import PrimerDatasets
import PrimerEvaluation
import PrimerFiles
import PrimerGeneration
import PrimerLayers
import PrimerServing
import PrimerTokenizers
import PrimerTraining

/// Exit codes of sysexits.h.
enum ExitStatus: Int32 {
  case usage = 64
  case badData = 65
  case inputMissing = 66
  case bug = 70
  case cannotCreate = 73
  case inputOutput = 74

  /// The code of an error of any layer.
  static func code(of error: any Error) -> Int32 {
    switch error {
    case let error as any ExitStatusProviding: error.exitStatus.rawValue
    case let error as CatalogueError: error.exitCode
    case let error as FileError: error.exitCode
    case let error as CheckpointError: error.exitCode
    case let error as DatasetError: error.exitCode
    case let error as EvaluationError: error.exitCode
    case let error as TrainingError: error.exitCode
    case let error as GenerationError: error.exitCode
    case let error as ServingError: error.exitCode
    case let error as ConstraintError: error.exitCode
    case is ParameterError: badData.rawValue
    default: FileError(foundation: error)?.exitCode ?? bug.rawValue
    }
  }

  /// What is said of an error: of Foundation's, which file and why.
  static func message(of error: any Error) -> String {
    FileError(foundation: error).map { "\($0)" } ?? "\(error)"
  }
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

extension ChatTemplateError: ExitStatusProviding {
  var exitStatus: ExitStatus {
    switch self {
    case .unreadable: .inputOutput
    case .missing, .malformed, .syntax, .rendering, .refused, .limit: .badData
    case .reservedVariable: .bug
    }
  }
}

extension TokenizerError: ExitStatusProviding {
  var exitStatus: ExitStatus {
    switch self {
    case .missing: .inputMissing
    case .unreadable: .inputOutput
    case .malformed, .unsupported, .unknownCharacter, .training: .badData
    }
  }
}
