import Foundation
import HTTPTypes
import Logging
import PrimerGeneration
import TestSupport
import Testing

@testable import PrimerServing

@Suite struct DrainTests {
  private static let long = #", "max_tokens": 350, "ignore_eos": true, "stream": true"#

  private func draining(_ service: ServiceHarness, limit: Duration) -> Draining {
    Draining(
      drain: service.parts.drain, models: service.parts.models, product: nil, limit: limit,
      logger: Logger(label: "test"))
  }

  /// A long stream under way.
  private func begin(_ service: ServiceHarness) async throws -> Task<
    RouterClient.Answer, any Error
  > {
    let stream = Task { try await service.chat("abc", Self.long) }
    while service.engine.status.running == 0 { try await Task.sleep(for: .milliseconds(1)) }
    return stream
  }

  @Test("draining, a running stream finishes, and new requests get 503 with Retry-After")
  func finishes() async throws {
    let service = try await ServiceHarness()
    let stream = try await begin(service)
    let end = Task { await draining(service, limit: .seconds(60)).end() }
    while !service.parts.drain.isDraining { try await Task.sleep(for: .milliseconds(1)) }
    for answer in [try await service.chat(), try await service.send(.get, "/health")] {
      #expect(answer.status == 503 && Int(answer.headers[.retryAfter] ?? "")! > 0)
    }
    let answer = try await stream.value
    #expect(answer.text.contains(#""finish_reason": "length""#))
    #expect(answer.text.hasSuffix("[DONE]\n\n"))
    await end.value
    #expect(service.parts.drain.running == 0)
  }

  @Test("at the limit of draining a running stream ends with an error event")
  func limit() async throws {
    let service = try await ServiceHarness()
    let stream = try await begin(service)
    await draining(service, limit: .milliseconds(1)).end()
    let answer = try await stream.value
    #expect((answer.events.last?["error"] as? [String: Any])?["code"] as? String == "unavailable")
    #expect(service.parts.drain.running == 0)
    while service.engine.status.running > 0 { try await Task.sleep(for: .milliseconds(1)) }
  }

  @Test("with nothing under way, draining is over at once, whatever was asked before")
  func idle() async throws {
    let service = try await ServiceHarness()
    _ = try await service.chat()
    _ = try await service.send(.get, "/nothing")
    let begun = ContinuousClock.now
    await draining(service, limit: .seconds(600)).end()
    #expect(ContinuousClock.now - begun < .seconds(300))
  }
}
