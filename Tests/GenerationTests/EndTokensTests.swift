import Foundation
import PrimerGeneration
import TestSupport
import Testing

@Suite("End tokens")
struct EndTokensTests {
  private func read(_ files: [String: String]) throws -> Set<Int32> {
    let folder = try TemporaryFolder()
    for (name, text) in files {
      try Data(text.utf8).write(to: folder.url.appending(path: name))
    }
    return try EndTokens.read(from: folder.url)
  }

  @Test("generation_config.json names one or several, and comes before config.json")
  func names() throws {
    #expect(
      try read(["generation_config.json": #"{"eos_token_id": [128001, 128009]}"#]) == [
        128001, 128009,
      ])
    #expect(
      try read([
        "generation_config.json": #"{"eos_token_id": 2}"#, "config.json": #"{"eos_token_id": 3}"#,
      ]) == [2])
    #expect(
      try read([
        "generation_config.json": #"{"eos_token_id": null}"#,
        "config.json": #"{"eos_token_id": 3}"#,
      ]) == [3])
    #expect(try read(["config.json": "{}"]) == [])
    #expect(try read([:]) == [])
  }

  @Test(
    "a damaged file is refused with its name",
    arguments: ["", "{", "[1", #"{"eos_token_id": "x"}"#, #"{"eos_token_id": [1, 1e300]}"#, "7"])
  func damaged(text: String) throws {
    let error = #expect(throws: GenerationError.self) {
      try read(["generation_config.json": text])
    }
    #expect(error?.description.contains("generation_config.json") == true)
  }
}
