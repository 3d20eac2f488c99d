import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import PrimerTokenizers

/// Who sends a request to the product, known by the session's cookie and by nothing else: an API key
/// opens the API, never the product.
struct PageCaller: Sendable {
  let session: Session
  let token: String
  let store: OwnedStore
  var user: User { session.user }
}

/// What a request is refused with: a status and a sentence, and a wait where one helps.
struct Refusal: Error {
  var status: HTTPResponse.Status
  var message: String
  var wait: Double?

  init(_ status: HTTPResponse.Status, _ message: String, wait: Double? = nil) {
    self.status = status
    self.message = message
    self.wait = wait
  }

  private struct Body: Encodable {
    struct Content: Encodable {
      var message: String
      var wait: Double?
    }
    var error: Content
  }

  var response: Response {
    var response = Response.json(Body(error: .init(message: message, wait: wait)), status)
    if let wait { response.headers[.retryAfter] = String(Int(wait.rounded(.up))) }
    return response
  }
}

extension Response {
  static func json(_ value: some Encodable, _ status: HTTPResponse.Status = .ok) -> Response {
    let data = try! JSONEncoder().encode(value)
    return Response(
      status: status,
      headers: [
        .contentType: "application/json; charset=utf-8", .cacheControl: "no-store",
        .xContentTypeOptions: "nosniff",
      ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
  }

  static var nothing: Response { Response(status: .noContent) }
}

extension HTTPField.Name {
  static let csrfToken = HTTPField.Name("X-CSRF-Token")!
  static let fetchSite = HTTPField.Name("Sec-Fetch-Site")!
}

/// The cookie of a signed-in browser.
enum SessionCookie {
  /// Cookies do not tell ports apart, so the name does: two services on one machine each have
  /// their own.
  static func name(_ request: Request) -> String {
    let port = request.head.authority?.split(separator: ":").last.flatMap { Int($0) } ?? 0
    return "primer-session-\(port)"
  }

  static func token(of request: Request) -> String? { value(name(request), of: request) }

  /// The value of the cookie of that name.
  static func value(_ name: String, of request: Request) -> String? {
    let name = name + "="
    for field in request.headers[values: .cookie] {
      for cookie in field.split(separator: ";") {
        let trimmed = cookie.drop { $0 == " " }
        if trimmed.hasPrefix(name) { return String(trimmed.dropFirst(name.count)) }
      }
    }
    return nil
  }

  static func field(_ token: String, seconds: Int, secure: Bool, _ request: Request) -> String {
    "\(name(request))=\(token); Path=/; Max-Age=\(seconds); HttpOnly; SameSite=Lax"
      + (secure ? "; Secure" : "")
  }
}

extension Product {
  /// A body of JSON, at most `limit` bytes. Throws `Refusal`.
  func body<Value: Decodable>(
    _ type: Value.Type, of request: Request, limit: Int = 2 << 20
  ) async throws -> Value {
    guard RequestBodyReader.isJSON(request) else {
      throw Refusal(.unsupportedMediaType, "send application/json")
    }
    let bytes: [UInt8]
    do {
      bytes = try await RequestBodyReader(limits).bytes(request, upTo: limit)
    } catch let error as APIError {
      throw Refusal(error.status, error.message)
    }
    do {
      _ = try JSONValue(parsing: bytes, deepest: limits.depth)
    } catch {
      throw Refusal(.badRequest, "the body is no JSON that this service reads: \(error)")
    }
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
      throw Refusal(.badRequest, "the body is not what this address takes: \(plain(error))")
    }
  }
}

private func plain(_ error: any Error) -> String {
  switch error {
  case DecodingError.keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
  case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
    "\(context.codingPath.map(\.stringValue).joined(separator: ".")) is of another type"
  case DecodingError.dataCorrupted(let context): context.debugDescription
  default: "malformed"
  }
}
