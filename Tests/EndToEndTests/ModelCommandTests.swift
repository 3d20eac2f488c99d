import Foundation
import TestSupport
import Testing

@Suite("Models on the command line", .enabled(if: PrimerCommand.isBuilt))
struct ModelCommandTests {
  /// What `generate --cache-type` says of eight tokens, without what clocks say.
  private func likelihoods(_ tiny: TinyRun, _ type: String) throws -> NSDictionary {
    let outcome = try tiny.run([
      "generate", "--model", tiny.output("run").path, "--prompt", "To be, or not", "--greedy",
      "--max-tokens", "8", "--logprobs", "2", "--json", "--cache-type", type,
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let fields = try outcome.json()
    return ["tokens": fields["tokens"] as Any, "logprobs": fields["logprobs"] as Any]
  }

  @Test("the cache's element type is the one asked for")
  func cacheType() throws {
    let tiny = try TinyRun()
    #expect(try tiny.run(tiny.arguments("run")).code == 0)
    let exact = try likelihoods(tiny, "f32")
    #expect(try likelihoods(tiny, "f32") == exact)
    let rounded = try ["f16", "int8"].map { try likelihoods(tiny, $0) }
    #expect(rounded[0] != exact)
    #expect(rounded[1] != exact)
    #expect(rounded[0] != rounded[1])
  }

  @Test(
    "a cache of an unknown element type names the known ones",
    arguments: [["generate", "--model", "x", "--prompt", "x"], ["serve", "--model", "x"]])
  func unknownCacheType(command: [String]) throws {
    let tiny = try TinyRun()
    let outcome = try tiny.run(command + ["--cache-type", "q4"])
    #expect(outcome.code == 64)
    for type in ["q4", "f16", "int8", "f32"] { #expect(outcome.errors.contains(type)) }
  }

  @Test("the tokenizer of a GGUF file encodes and decodes", .enabled(if: SharedData.isPresent))
  func tokenizerOfGGUF() throws {
    let folder = try TemporaryFolder()
    let model = SharedData.file("ggml_vocab/ggml-vocab-gpt-2.gguf").path
    let text = try folder.file("text.txt", "Hello world\n Grüße,  🙂 1234\n")
    let ids = try PrimerCommand.run(
      ["tokenizer", "encode", "--model", model, text.path], in: folder.url)
    #expect(ids.code == 0, "\(ids.errors)")
    #expect(ids.output.split(separator: "\n").first == "[15496, 995]")
    let encoded = try folder.file("ids.txt", ids.output)
    let decoded = try PrimerCommand.run(
      ["tokenizer", "decode", "--model", model, encoded.path], in: folder.url)
    #expect(decoded.output == "Hello world\n Grüße,  🙂 1234\n", "\(decoded.errors)")
  }

  @Test("an export for which there is no room leaves no folder behind")
  func exportToFullDisk() throws {
    let tiny = try TinyRun()
    #expect(try tiny.run(tiny.arguments("run")).code == 0)
    let copy = tiny.output("copy")
    let export = ["export", "--model", tiny.output("run").path, "--output", copy.path]
    let outcome = try PrimerCommand.run(export, in: tiny.folder.url, largestFile: 20)
    #expect(outcome.code == 74, "\(outcome.errors)")
    #expect(!FileManager.default.fileExists(atPath: copy.path))
    #expect(try tiny.run(export).code == 0)
    // What was there before stays.
    try Data("mine".utf8).write(to: copy.appending(path: "notes.txt"))
    let again = try PrimerCommand.run(export, in: tiny.folder.url, largestFile: 20)
    #expect(again.code != 0)
    #expect(FileManager.default.fileExists(atPath: copy.appending(path: "notes.txt").path))
  }
}
