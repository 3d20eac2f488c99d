import GRDB
import Hummingbird
import Logging
import PrimerFiles
import PrimerGeneration
import PrimerTokenizers

/// Whatever goes wrong becomes an error of the API's shape; what is our fault says no more than that.
struct ErrorAnswers: RouterMiddleware {
  func handle(
    _ request: Request, context: ServiceContext,
    next: @concurrent (Request, ServiceContext) async throws -> Response
  ) async throws -> Response {
    do { return try await next(request, context) } catch {
      let answer = APIError(error)
      if answer.status.code == 500 || answer.status == APIError.fullDisk.status {
        context.logger.error(
          "failed", metadata: ["error": "\(LogText.escaped(String(describing: error)))"])
      }
      return answer.response
    }
  }
}

extension APIError {
  /// An error of any layer, as the client sees it.
  init(_ error: any Error) {
    switch error {
    case let error as APIError: self = error
    case let error as GenerationError: self = APIError(generation: error)
    case let error as ConstraintError:
      self = .invalid("response_format", error.description, code: "invalid_schema")
    case let error as ChatTemplateError:
      self = .invalid("messages", "The model's chat template refuses this: \(error)")
    case let error as TokenizerError: self = .invalid(nil, error.description)
    case let error as FileError where error.isFullDisk: self = .fullDisk
    case let error as DatabaseError where error.resultCode == .SQLITE_FULL: self = .fullDisk
    case let error as ServingError: self = APIError(serving: error)
    case is CancellationError: self = .clientGone
    case let error as any HTTPResponseError where error.status == .notFound:
      self = .notFound("There is nothing at this address.", code: "unknown_url")
    case let error as any HTTPResponseError where error.status.code < 500:
      self = APIError(
        status: error.status, message: "The request is malformed.", type: "invalid_request_error")
    default: self = .bug
    }
  }

  private init(generation error: GenerationError) {
    switch error {
    case .promptTooLong:
      self = .invalid("messages", error.description, code: "context_length_exceeded")
    case .badSetting, .emptyPrompt, .deadEnd: self = .invalid(nil, error.description)
    case .vocabularyMismatch, .draftVocabulary, .badFile: self = .bug
    }
  }

  private init(serving error: ServingError) {
    switch error {
    case .modelUnusable, .modelTooLarge:
      self = APIError(
        status: .serviceUnavailable, message: error.description, type: "service_unavailable",
        parameter: "model", code: "model_unusable")
    case .noRoom: self = .unavailable(error.description, retryAfter: .seconds(10))
    case .badData, .dataInUse, .cannotListen, .noModel: self = .bug
    }
  }

  /// Nobody reads it.
  static let clientGone = APIError(
    status: .init(code: 499, reasonPhrase: "Client Closed Request"),
    message: "The client has gone.", type: "invalid_request_error", code: "client_gone")
}
