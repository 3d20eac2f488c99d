import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import PrimerTokenizers

/// Reads bodies within the limits.
struct RequestBodyReader {
  private let limits: ServiceLimits

  init(_ limits: ServiceLimits) { self.limits = limits }

  /// - Throws: `APIError` 400, 408, 413 and 415.
  func json(_ request: Request) async throws -> JSONValue {
    guard Self.isJSON(request) else {
      throw APIError(
        status: .unsupportedMediaType,
        message: "Send the body as JSON, with the header 'Content-Type: application/json'.",
        type: "invalid_request_error", code: "unsupported_media_type")
    }
    let bytes = try await bytes(request, upTo: limits.body)
    do {
      return try JSONValue(parsing: bytes, keepsIntegers: true, deepest: limits.depth)
    } catch {
      throw APIError.invalid(nil, "The body is no JSON that this service reads: \(error)")
    }
  }

  /// Whether the request says that its body is JSON.
  static func isJSON(_ request: Request) -> Bool {
    let type = request.headers[.contentType]?.split(separator: ";").first ?? ""
    return type.trimmingCharacters(in: .whitespaces).lowercased() == "application/json"
  }

  /// The body, of at most `most` bytes, as long as it arrives in time.
  /// - Throws: `APIError` 408 and 413.
  func bytes(_ request: Request, upTo most: Int) async throws -> [UInt8] {
    if let announced = request.headers[.contentLength].flatMap(Int.init), announced > most {
      throw APIError.bodyTooLarge
    }
    return try await withThrowingTaskGroup(of: [UInt8].self) { group in
      group.addTask {
        do {
          return Array(buffer: try await request.body.collect(upTo: most))
        } catch is NIOTooManyBytesError {
          throw APIError.bodyTooLarge
        }
      }
      group.addTask {
        try await Task.sleep(for: limits.reading)
        throw APIError(
          status: .requestTimeout, message: "The body took too long to arrive.",
          type: "invalid_request_error", code: "timeout")
      }
      defer { group.cancelAll() }
      return try await group.next()!
    }
  }
}
