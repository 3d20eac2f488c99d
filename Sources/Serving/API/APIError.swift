import HTTPTypes
import Hummingbird
import NIOCore
import PrimerTokenizers

/// What a request got wrong, or why it is not answered now, in the shape that clients of the OpenAI
/// API expect: `{"error": {"message", "type", "param", "code"}}`.
struct APIError: Error, HTTPResponseError {
  let status: HTTPResponse.Status
  /// What happened and what to do; never what a user wrote.
  let message: String
  let type: String
  /// The field at fault, as a path: "messages.0.role".
  var parameter: String?
  /// A word that programs may test for.
  var code: String?
  var retryAfter: Duration?
  /// Methods that the address takes, where it does not take this one.
  var allowed: [HTTPRequest.Method] = []

  static let shape = Shape.named(
    "Error",
    .object([
      Field(
        "error",
        .object([
          Field("message", .string(), required: true, "What happened and what to do."),
          Field("type", .string(), required: true),
          Field(
            "param", .nullable(.string()), required: true,
            "The field at fault, as a path: messages.0.role."),
          Field(
            "code", .nullable(.string()), required: true, "A word that programs may test for."),
        ]), required: true)
    ]))

  var document: JSONValue {
    .object([
      (
        "error",
        .object([
          ("message", .string(message)), ("type", .string(type)),
          ("param", parameter.map { .string($0) } ?? .null),
          ("code", code.map { .string($0) } ?? .null),
        ])
      )
    ])
  }

  func response(from request: Request, context: some RequestContext) throws -> Response { response }

  var response: Response {
    var response = Response(json: document, status: status)
    if let retryAfter {
      // Whole seconds, rounded up: never earlier than promised.
      let seconds = retryAfter.components.seconds + (retryAfter.components.attoseconds > 0 ? 1 : 0)
      response.headers[.retryAfter] = String(max(1, seconds))
    }
    if !allowed.isEmpty {
      response.headers[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
    }
    if status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
    return response
  }
}

extension APIError {
  /// A field that is missing, unknown, of the wrong type or out of its bounds.
  static func invalid(_ parameter: String?, _ message: String, code: String? = nil) -> APIError {
    APIError(
      status: .badRequest, message: message, type: "invalid_request_error", parameter: parameter,
      code: code)
  }

  static func unsupported(_ parameter: String, _ message: String) -> APIError {
    invalid(parameter, message, code: "unsupported_parameter")
  }

  static func notFound(_ message: String, parameter: String? = nil, code: String) -> APIError {
    APIError(
      status: .notFound, message: message, type: "invalid_request_error", parameter: parameter,
      code: code)
  }

  static let unauthorized = APIError(
    status: .unauthorized,
    message: "No valid key or session; send the header 'Authorization: Bearer KEY'.",
    type: "authentication_error", code: "invalid_api_key")

  static func wrongMethod(_ allowed: [HTTPRequest.Method]) -> APIError {
    APIError(
      status: .methodNotAllowed,
      message: "This address takes \(allowed.map(\.rawValue).joined(separator: " and ")) only.",
      type: "invalid_request_error", code: "method_not_allowed", allowed: allowed)
  }

  static func forbidden(_ message: String) -> APIError {
    APIError(status: .forbidden, message: message, type: "permission_error", code: "forbidden")
  }

  static func tooMany(_ message: String, code: String, retryAfter: Duration) -> APIError {
    APIError(
      status: .tooManyRequests, message: message, type: "rate_limit_error", code: code,
      retryAfter: retryAfter)
  }

  static func unavailable(_ message: String, retryAfter: Duration) -> APIError {
    APIError(
      status: .serviceUnavailable, message: message, type: "service_unavailable",
      code: "unavailable", retryAfter: retryAfter)
  }

  static let bodyTooLarge = APIError(
    status: .contentTooLarge, message: "The body is longer than this service reads.",
    type: "invalid_request_error", code: "body_too_large")

  /// Our bug: no more is told than that.
  static let bug = APIError(
    status: .internalServerError,
    message: "The service failed on this request; its log says why, under the request's id.",
    type: "server_error", code: "internal_error")

  /// The operator's affair, and nothing that the client could ask otherwise.
  static let fullDisk = APIError(
    status: .init(code: 507, reasonPhrase: "Insufficient Storage"),
    message: """
      The disk of this service is full: nothing of this request was kept, all that was kept before is. Ask \
      its operator to free some space, and try again.
      """, type: "server_error", code: "disk_full")
}

extension Response {
  init(json: JSONValue, status: HTTPResponse.Status = .ok) {
    self.init(
      status: status,
      headers: [
        .contentType: "application/json; charset=utf-8", .xContentTypeOptions: "nosniff",
      ],
      body: ResponseBody(byteBuffer: ByteBuffer(string: json.text)))
  }
}
