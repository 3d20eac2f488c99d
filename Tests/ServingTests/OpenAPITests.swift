import Foundation
import HTTPTypes
import PrimerTokenizers
import Testing

@testable import PrimerServing

@Suite("/openapi.json")
struct OpenAPITests {
  private func document() async throws -> (JSONValue, [Route]) {
    let service = try await ServiceHarness()
    let answer = try await service.send(.get, "/openapi.json")
    let document = try JSONValue(parsing: Array(answer.text.utf8), keepsIntegers: true)
    return (document, service.parts.routes)
  }

  /// Every value under `key`, anywhere.
  private func values(_ key: String, in value: JSONValue) -> [JSONValue] {
    switch value {
    case .array(let elements): elements.flatMap { values(key, in: $0) }
    case .object(let members):
      members.flatMap { ($0.key == key ? [$0.value] : []) + values(key, in: $0.value) }
    default: []
    }
  }

  @Test("describes every address, what it takes, what it answers and how it fails")
  func operations() async throws {
    let (document, routes) = try await document()
    #expect(routes.count >= 17)
    for route in routes {
      let method = route.method.rawValue.lowercased()
      let operation = try #require(document["paths"]?[route.path]?[method], "\(route.path)")
      #expect((operation["requestBody"] != nil) == (route.body != nil))
      let answers = try #require(operation["responses"]?.members)
      let content = try #require(answers.first { $0.key == "200" }?.value["content"]?.members)
      #expect(!content.isEmpty, "\(route.path)")
      for (type, media) in content where type != "text/plain" {
        #expect(media["schema"]?.members?.isEmpty == false, "\(route.path) \(type)")
      }
      #expect(answers.contains { $0.key == "503" } && answers.contains { $0.key == "421" })
      #expect(answers.contains { $0.key == "401" } == (route.access != .open))
    }
  }

  @Test("has a name of its own for each operation, and every reference leads somewhere")
  func references() async throws {
    let (document, routes) = try await document()
    let names = values("operationId", in: document).compactMap(\.string)
    #expect(Set(names).count == routes.count)
    let schemas = Set((document["components"]?["schemas"]?.members ?? []).map(\.key))
    let references = values("$ref", in: document).compactMap(\.string)
    #expect(references.count > 30)
    for reference in references {
      let name = reference.dropFirst("#/components/schemas/".count)
      #expect(schemas.contains(String(name)), "\(reference)")
    }
    let used = Set(references.map { String($0.dropFirst("#/components/schemas/".count)) })
    #expect(schemas.subtracting(used).isEmpty)
  }

  @Test(
    "says of a refused field that it may be null alone, and of one without effect that it has none")
  func effects() throws {
    let refused = Field("audio", .any, effect: .refused("no sound."))
    #expect(refused.schema.text == #"{"enum": [null], "description": "Refused: no sound."}"#)
    let partly = Field("background", .boolean, effect: .refused("stream.", unless: ["false"]))
    #expect(
      partly.schema.text
        == #"{"enum": [false, null], "description": "Refused unless false: stream."}"#)
    let ignored = Field("user", .string(), effect: .ignored("by keys."))
    #expect(ignored.schema["description"]?.string == "Accepted, without effect: by keys.")
  }

  @Test("counts the characters of a text as JSON Schema does: in Unicode scalars")
  func scalars() throws {
    let shape = Shape.string(longest: 2)
    try shape.check(.string("e\u{301}"))
    #expect(throws: APIError.self) { try shape.check(.string("e\u{301}e")) }
  }

  @Test("takes names for one only where their bytes are")
  func names() throws {
    let shape = Shape.map(.integer())
    try shape.check(.object([("é", .integer(1)), ("e\u{301}", .integer(2))]))
    #expect(throws: APIError.self) { try shape.check(.object([("a", .null), ("a", .null)])) }
  }

  @Test(
    "parameters of a query are checked as fields are",
    arguments: [
      ("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("order=up", "order"),
      ("colour=red", "colour"), ("limit=1&limit=2", "limit"), ("include[]=x", "include.0"),
      ("include=message.output_text.logprobs&include=x", "include.1"), ("after=item", "after"),
    ])
  func queries(query: String, parameter: String) async throws {
    let service = try await ServiceHarness()
    let made = try await service.send(.post, "/v1/responses", RequestExamples.stored.text)
    let id = try #require(made["id"] as? String)
    let answer = try await service.send(.get, "/v1/responses/\(id)/input_items?\(query)")
    #expect(answer.status == 400 && answer.problem.parameter == parameter, "\(answer.text)")
  }
}

@Suite struct APIReferenceTests {
  @Test("the reference among the documentation is the table of fields")
  func reference() async throws {
    let text = APIReference(routes: try await ServiceHarness().parts.routes).text
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Documentation/api.md").standardizedFileURL
    if ProcessInfo.processInfo.environment["PRIMER_WRITE_REFERENCE"] != nil {
      try Data(text.utf8).write(to: file)
    }
    let written = try String(contentsOf: file, encoding: .utf8)
    #expect(written == text, "write it anew, as its first lines say")
  }
}
