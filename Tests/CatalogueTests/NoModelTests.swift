import Foundation
import PrimerCheckpoints
import TestSupport
import Testing

@testable import PrimerCatalogue

@Suite("What is no model")
struct NoModelTests {
  /// Pulling `text` must fail with `words` and leave nothing in the cache.
  private func expectRefusal(
    _ text: String, _ cache: ModelCache, environment: [String: String] = [:], _ words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async {
    do {
      _ = try await ModelPull(cache, environment: environment).pull(text)
      Issue.record("\(text) was taken", sourceLocation: sourceLocation)
    } catch {
      for word in words {
        #expect("\(error)".contains(word), "\(error)", sourceLocation: sourceLocation)
      }
    }
    let left = (try? FileManager.default.contentsOfDirectory(atPath: cache.models.path)) ?? []
    #expect(left == [], sourceLocation: sourceLocation)
  }

  @Test(
    "is not taken from an address, whatever the server calls it",
    arguments: ["hello\n", "<!DOCTYPE html><title>Sign in</title>", "GGUF", ""])
  func served(text: String) async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(.init(files: ["/z.gguf": Array(text.utf8)]))
    server.add("me/tiny", ["z.gguf": Array(text.utf8)])
    let cache = ModelCache(folder: folder.url)
    let address = server.url("/z.gguf").absoluteString
    await expectRefusal(address, cache, address, "no model")
    await expectRefusal(
      "me/tiny:z.gguf", cache, environment: ["HF_ENDPOINT": server.url("").absoluteString],
      "hf:me/tiny:z.gguf", "no model")
  }

  @Test("is not taken from a file")
  func local() async throws {
    let folder = try TemporaryFolder()
    let cache = ModelCache(folder: folder.url.appending(path: "cache"))
    let text = try folder.file("z.gguf", "hello\n")
    await expectRefusal(text.path, cache, text.path, "GGUF")
    let truncated = try folder.file("cut.gguf", SmallModel.gguf("a").dropLast())
    await expectRefusal(truncated.path, cache, truncated.path)
    let part = try folder.file("z-00001-of-00002.gguf", SmallModel.gguf("a"))
    await expectRefusal(part.path, cache, "one of several files")
  }

  @Test("is not taken from a folder without sound weights")
  func folders() async throws {
    let folder = try TemporaryFolder()
    let cache = ModelCache(folder: folder.url.appending(path: "cache"))
    let model = try SmallModel.folder("qwen3")
    let place = folder.url.appending(path: "small")
    _ = try folder.file("small/config.json", model["config.json"]!)
    await expectRefusal(place.path, cache, "model.safetensors is missing")
    _ = try folder.file("small/pytorch_model.bin", "x")
    await expectRefusal(place.path, cache, "pytorch_model.bin", "pickle", "save_pretrained")
    _ = try folder.file("small/model.safetensors", model["model.safetensors"]!.dropLast(7))
    await expectRefusal(place.path, cache, "model.safetensors", "truncated")
  }

  @Test("is not taken from a repository without sound weights")
  func repositories() async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(.init())
    let cache = ModelCache(folder: folder.url)
    let environment = ["HF_ENDPOINT": server.url("").absoluteString]
    var files = try SmallModel.folder("qwen3")
    files["model.safetensors"]!.removeLast(7)
    server.add("me/cut", files)
    await expectRefusal("me/cut", cache, environment: environment, "hf:me/cut", "truncated")
    files["model.safetensors"] = nil
    server.add("me/none", files)
    await expectRefusal("me/none", cache, environment: environment, "no safetensors there")
    files["pytorch_model.bin"] = [1]
    server.add("me/old", files)
    await expectRefusal("me/old", cache, environment: environment, "pytorch_model.bin", "pickle")
    files["tiny.Q8_0.gguf"] = SmallModel.gguf("tiny")
    server.add("me/both", files)
    await expectRefusal("me/both", cache, environment: environment, "me/both:tiny.Q8_0.gguf")
    await expectRefusal("me/both:tiny.gguf", cache, environment: environment, "tiny.Q8_0.gguf")
    await expectRefusal("me/absent", cache, environment: environment, "no such repository")
  }

  @Test(
    "is refused by its name before anything is fetched", arguments: ["pt", "bin", "ckpt", "pth"])
  func pickles(name: String) async throws {
    let folder = try TemporaryFolder()
    let cache = ModelCache(folder: folder.url.appending(path: "cache"))
    let file = try folder.file("m.\(name)", "x")
    await expectRefusal(file.path, cache, file.path, "pickle", "save_pretrained")
    // Nobody is there to ask.
    for text in ["http://127.0.0.1:9/m.\(name)", "me/tiny:m.\(name)"] {
      await expectRefusal(text, cache, environment: ["HF_ENDPOINT": "http://127.0.0.1:9"], "pickle")
    }
    let weights = try folder.file("model.safetensors", "x")
    await expectRefusal(weights.path, cache, "give the folder that holds it")
  }
}
