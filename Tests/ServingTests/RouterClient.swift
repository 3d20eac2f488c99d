import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOEmbedded
import Synchronization

@testable import PrimerServing

/// Sends requests to the router of a service, without a network.
struct RouterClient: Sendable {
  private let responder: any HTTPResponder<ServiceContext>

  private let logger: Logger

  init(_ parts: ServiceParts, logger: Logger = Logger(label: "test")) {
    responder = parts.router.buildResponder()
    self.logger = logger
  }

  struct Answer {
    var status: Int
    var headers: HTTPFields
    var text: String

    func decoded<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
      try JSONDecoder().decode(type, from: Data(text.utf8))
    }

    subscript(_ key: String) -> Any? {
      (try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])?[key]
    }
  }

  func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil,
    headers: HTTPFields = [:], authority: String = "127.0.0.1:8080"
  ) async throws -> Answer {
    var headers = headers
    if body != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
    return try await send(
      method, path, RequestBody(buffer: ByteBuffer(string: body ?? "")), headers, authority)
  }

  /// Posts a body of JSON of which nothing comes behind `begin`.
  func post(
    _ path: String, unended begin: String, headers: HTTPFields = [:],
    authority: String = "127.0.0.1:8080"
  ) async throws -> Answer {
    let (parts, continuation) = AsyncStream<ByteBuffer>.makeStream()
    defer { continuation.finish() }
    continuation.yield(ByteBuffer(string: begin))
    var headers = headers
    headers[.contentType] = "application/json"
    return try await send(.post, path, RequestBody(asyncSequence: parts), headers, authority)
  }

  private func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: RequestBody, _ headers: HTTPFields,
    _ authority: String
  ) async throws -> Answer {
    let request = Request(
      head: HTTPRequest(
        method: method, scheme: "http", authority: authority, path: path, headerFields: headers),
      body: body)
    let context = ServiceContext(
      source: ApplicationRequestContextSource(
        channel: NIOAsyncTestingChannel(), logger: logger))
    let response = try await responder.respond(to: request, context: context)
    let collected = CollectedBody()
    try await response.body.write(collected)
    return Answer(
      status: response.status.code, headers: response.headers, text: collected.text)
  }
}

private final class CollectedBody: ResponseBodyWriter, Sendable {
  private let bytes = Mutex<[UInt8]>([])
  var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }

  func write(_ buffer: ByteBuffer) async throws {
    bytes.withLock { $0 += Array(buffer.readableBytesView) }
  }

  func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
