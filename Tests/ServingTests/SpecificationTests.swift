import Foundation
import PrimerTokenizers
import TestSupport
import Testing

@testable import PrimerServing

@Suite("The table of fields, beside OpenAI's specification", .enabled(if: SharedData.isPresent))
struct SpecificationTests {
  private func compare(_ shape: Shape, _ name: String, _ expected: Set<String>) throws {
    let specification = try OpenAISpecification(
      SharedData.file("openai_openapi/openapi.yaml"))
    let found = specification.differences(shape, from: name)
    let new = found.subtracting(expected).sorted().joined(separator: "\n")
    #expect(new.isEmpty, "\(name) differs in more:\n\(new)")
    let gone = expected.subtracting(found).sorted().joined(separator: "\n")
    #expect(gone.isEmpty, "\(name) no longer differs in:\n\(gone)")
  }

  @Test("chat completions take every field, within its bounds")
  func chat() throws {
    try compare(ChatFields.body, "CreateChatCompletionRequest", [])
  }

  @Test("completions take every field, within its bounds")
  func completions() throws {
    try compare(CompletionFields.body, "CreateCompletionRequest", [])
  }

  @Test("embeddings take every field, within its bounds")
  func embeddings() throws {
    try compare(Embeddings.body, "CreateEmbeddingRequest", [])
  }

  @Test("moderations take every field, within its bounds")
  func moderations() throws {
    try compare(Moderations.body, "CreateModerationRequest", [])
  }

  @Test("responses take every field, within its bounds")
  func responses() throws {
    try compare(ResponseFields.body, "CreateResponse", [])
  }
}
