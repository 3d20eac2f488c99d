import Foundation
import PrimerCheckpoints
import Synchronization
import TestSupport
import Testing

@testable import PrimerCatalogue

@Suite("Models of the same name")
struct SameNameTests {
  /// What pulling `text` says goes wrong.
  private func refusal(_ pull: ModelPull, _ text: String) async -> String {
    do {
      return "took \(try await pull.pull(text))"
    } catch {
      return "\(error)"
    }
  }

  @Test("of another repository is refused, naming both, and the first stays")
  func repositories() async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(.init())
    server.add("me/tiny", try SmallModel.folder("qwen3"))
    server.add("you/tiny", try SmallModel.folder("llama-tied-biased"))
    let cache = ModelCache(folder: folder.url)
    let pull = ModelPull(cache, environment: ["HF_ENDPOINT": server.url("").absoluteString])
    let mine = try await pull.pull("me/tiny")
    let message = await refusal(pull, "you/tiny")
    for word in ["hf:me/tiny", "hf:you/tiny", cache.place("tiny").path, "PRIMER_CACHE"] {
      #expect(message.contains(word), "\(message)")
    }
    #expect(cache.record("tiny")?.sha256 == mine.sha256)
    let count = server.requests.withLock { $0.count }
    #expect(try await pull.pull("hf:me/tiny").sha256 == mine.sha256)
    #expect(server.requests.withLock { $0.count } == count, "what is there is not fetched again")
  }

  @Test("of another address is refused, naming both")
  func addresses() async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(
      .init(files: ["/a/z.gguf": SmallModel.gguf("a"), "/b/z.gguf": SmallModel.gguf("b")]))
    let cache = ModelCache(folder: folder.url)
    let (first, second) = (server.url("/a/z.gguf"), server.url("/b/z.gguf"))
    _ = try await ModelPull(cache).pull(first.absoluteString)
    let message = await refusal(ModelPull(cache), second.absoluteString)
    #expect(message.contains(first.absoluteString) && message.contains(second.absoluteString))
    #expect(try Data(contentsOf: #require(cache.path("z"))) == Data(SmallModel.gguf("a")))
  }

  @Test("of another file is refused, unless both hold the same")
  func localFiles() async throws {
    let folder = try TemporaryFolder()
    let cache = ModelCache(folder: folder.url.appending(path: "cache"))
    let first = try folder.file("a/z.gguf", SmallModel.gguf("a"))
    let second = try folder.file("b/z.gguf", SmallModel.gguf("b"))
    let same = try folder.file("c/z.gguf", SmallModel.gguf("a"))
    let record = try await ModelPull(cache).pull(first.path)
    let message = await refusal(ModelPull(cache), second.path)
    #expect(message.contains(first.path) && message.contains(second.path), "\(message)")
    #expect(try await ModelPull(cache).pull(same.path).sha256 == record.sha256)
    #expect(try Data(contentsOf: #require(cache.path("z"))) == Data(SmallModel.gguf("a")))
  }

  @Test("of the same path that was written anew is taken anew")
  func changedFile() async throws {
    let folder = try TemporaryFolder()
    let cache = ModelCache(folder: folder.url.appending(path: "cache"))
    for name in ["a", "b"] {
      let file = try folder.file("z.gguf", SmallModel.gguf(name))
      _ = try await ModelPull(cache).pull(file.path)
      #expect(try Data(contentsOf: #require(cache.path("z"))) == Data(SmallModel.gguf(name)))
    }
    try Data("broken".utf8).write(to: folder.url.appending(path: "z.gguf"))
    await #expect(throws: CheckpointError.self) {
      try await ModelPull(cache).pull(folder.url.appending(path: "z.gguf").path)
    }
    #expect(try Data(contentsOf: #require(cache.path("z"))) == Data(SmallModel.gguf("b")))
  }

  @Test("as one of the catalogue does not give way to it")
  func catalogue() async throws {
    let folder = try TemporaryFolder()
    let cache = ModelCache(folder: folder.url.appending(path: "cache"))
    let file = try folder.file("smollm2-135m-instruct.gguf", SmallModel.gguf("own"))
    _ = try await ModelPull(cache).pull(file.path)
    let message = await refusal(ModelPull(cache), "smollm2-135m-instruct")
    #expect(message.contains(file.path) && message.contains("catalogue"), "\(message)")
  }

  @Test("that broke off in the middle is not gone on with by another's pull")
  func partial() async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(.init())
    server.add("me/tiny", try SmallModel.folder("qwen3"))
    let theirs = try SmallModel.folder("llama-tied-biased")
    server.add("you/tiny", theirs)
    let cache = ModelCache(folder: folder.url)
    let pull = ModelPull(cache, environment: ["HF_ENDPOINT": server.url("").absoluteString])
    server.behaviour.withLock { $0.breaksAfter = 10_000 }
    #expect(await refusal(pull, "me/tiny").contains("what has arrived is kept"))
    server.behaviour.withLock { $0.breaksAfter = nil }
    _ = try await pull.pull("you/tiny")
    let path = try #require(cache.path("tiny"))
    for (name, bytes) in theirs {
      #expect(try Data(contentsOf: path.appending(path: name)) == Data(bytes))
    }
  }
}
