import Foundation
import Synchronization
import TestSupport
import Testing

@testable import PrimerCatalogue

@Suite("Repositories of the hub")
struct HubRepositoryTests {
  @Test("a repository gives the files of a model folder, each by its own address")
  func folder() async throws {
    let server = try SmallServer(.init())
    var files = try SmallModel.folder("qwen3")
    for name in ["tokenizer.json", "pytorch_model.bin", "onnx/model.safetensors", ".gitattributes"]
    {
      files[name] = Array(name.utf8)
    }
    server.add("me/tiny", files, hashes: ["model.safetensors": "abc"])
    let repository = try HubRepository(
      "me/tiny", ["HF_ENDPOINT": server.url("").absoluteString, "HF_TOKEN": "secret"])
    #expect(repository.token == "secret")
    let listed = try await repository.files(only: nil)
    #expect(listed.map(\.name) == ["config.json", "model.safetensors", "tokenizer.json"])
    #expect(listed.map(\.sha256) == [nil, "abc", nil])
    #expect(listed[1].bytes == files["model.safetensors"]?.count)
    #expect(listed[1].url == server.url("/me/tiny/resolve/main/model.safetensors"))
    let one = try await repository.files(only: "onnx/model.safetensors")
    #expect(one.map(\.name) == ["onnx/model.safetensors"])
  }

  @Test("a pulled repository is a folder in the cache, a pulled file of it a file")
  func pulls() async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(.init())
    let model = try SmallModel.folder("qwen3")
    let own = ["q/tiny.Q8_0.gguf": SmallModel.gguf("tiny"), "README.md": Array("Read me".utf8)]
    server.add("me/tiny", model.merging(own) { $1 })
    let cache = ModelCache(folder: folder.url)
    let pull = ModelPull(cache, environment: ["HF_ENDPOINT": server.url("").absoluteString])
    let whole = try await pull.pull("me/tiny")
    #expect(whole.source == "hf:me/tiny" && whole.file == nil)
    #expect(whole.bytes == model.values.reduce(7) { $0 + $1.count })
    let path = try #require(cache.path("tiny"))
    let names = try FileManager.default.contentsOfDirectory(atPath: path.path).sorted()
    #expect(names == ["README.md", "config.json", "model.safetensors", "primer.json"])
    let one = try await pull.pull("me/tiny:q/tiny.Q8_0.gguf")
    #expect(one.name == "tiny.Q8_0" && one.source == "hf:me/tiny:q/tiny.Q8_0.gguf")
    let file = try #require(cache.path("tiny.Q8_0"))
    #expect(try Data(contentsOf: file) == Data(SmallModel.gguf("tiny")))
  }

  @Test("a file that does not hash to what the hub says is thrown away")
  func wrongHash() async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(.init())
    let wanted = String(repeating: "0", count: 64)
    server.add("me/tiny", ["z.gguf": SmallModel.gguf("z")], hashes: ["z.gguf": wanted])
    let cache = ModelCache(folder: folder.url)
    let pull = ModelPull(cache, environment: ["HF_ENDPOINT": server.url("").absoluteString])
    do {
      _ = try await pull.pull("me/tiny:z.gguf")
      Issue.record("a wrong file was taken")
    } catch {
      #expect("\(error)".contains(wanted))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: cache.models.path) == [])
  }

  @Test("a broken download goes on behind the files that are whole")
  func resumes() async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(.init(breaksAfter: 20_000))
    server.add("me/tiny", try SmallModel.folder("qwen3"))
    let cache = ModelCache(folder: folder.url)
    let pull = ModelPull(cache, environment: ["HF_ENDPOINT": server.url("").absoluteString])
    await #expect(throws: CatalogueError.self) { try await pull.pull("me/tiny") }
    _ = try await pull.pull("me/tiny")
    let file = "/me/tiny/resolve/main/"
    #expect(
      server.requests.withLock { $0 }.filter { $0.hasPrefix(file) } == [
        file + "config.json all", file + "model.safetensors all", file + "model.safetensors 20000",
      ])
    let path = try #require(cache.path("tiny"))
    let names = try FileManager.default.contentsOfDirectory(atPath: path.path).sorted()
    #expect(names == ["config.json", "model.safetensors", "primer.json"])
  }

  @Test("an endpoint that is no address is named", arguments: ["", "huggingface", "file:///etc"])
  func endpoint(address: String) throws {
    #expect(throws: CatalogueError.self) {
      try HubRepository("me/tiny", ["HF_ENDPOINT": address])
    }
  }
}
