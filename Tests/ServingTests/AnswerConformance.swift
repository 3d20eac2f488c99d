import Foundation
import HTTPTypes
import PrimerTokenizers
import Testing

@testable import PrimerServing

/// Holds answers against what /openapi.json says of them: every answer that a test of the API gets.
struct AnswerConformance: Sendable {
  let routes: [Route]

  func check(_ answer: RouterClient.Answer, to method: HTTPRequest.Method, _ target: String) {
    let path = target.prefix { $0 != "?" }
    guard let route = routes.first(where: { $0.method == method && $0.matches(path) }) else {
      let elsewhere = [401, 404, 405, 421]
      #expect(elsewhere.contains(answer.status), "\(method) \(target) is not described")
      return
    }
    do {
      if answer.status == 200 {
        try Self.check(answer, route)
      } else if let failure = route.failures.first(where: { $0.status == answer.status }) {
        try failure.answer.check(try Self.parsed(answer.text))
      } else {
        Issue.record("\(method) \(target) answers \(answer.status), which is not described")
      }
    } catch let error as APIError {
      Issue.record(
        "\(method) \(target) answers \(answer.text.prefix(2000)), but \(error.message)")
    } catch {
      Issue.record("\(method) \(target) answers no JSON: \(answer.text.prefix(2000))")
    }
  }

  private static func check(_ answer: RouterClient.Answer, _ route: Route) throws {
    let type = answer.headers[.contentType]?.prefix { $0 != ";" } ?? ""
    switch type {
    case "application/json":
      let shape = try #require(route.answer, "\(route.path) describes no JSON")
      try shape.check(try parsed(answer.text))
    case "text/event-stream":
      try check(stream: answer.text, try #require(route.events, "\(route.path) streams"))
    default:
      #expect(route.otherContent.contains(String(type)), "\(route.path) answers \(type)")
    }
  }

  /// An error may be the last event instead of what all the others are.
  private static func check(stream text: String, _ events: EventStream) throws {
    var all = text.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { $0.dropFirst(6) }
    guard let last = all.popLast() else {
      Issue.record("a stream without an event")
      return
    }
    for data in all { try events.data.check(try parsed(data)) }
    if last == events.mark ?? "" { return }
    let value = try parsed(last)
    let isError = value["error"] != nil
    #expect(isError || events.mark == nil, "the stream ends with \(last)")
    try (isError ? APIError.shape : events.data).check(value)
  }

  private static func parsed(_ text: some StringProtocol) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8), keepsIntegers: true)
  }
}
