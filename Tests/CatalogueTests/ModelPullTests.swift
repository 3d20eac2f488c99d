import Foundation
import PrimerFiles
import Synchronization
import TestSupport
import Testing

@testable import PrimerCatalogue

@Suite("Pulling a model")
struct ModelPullTests {
  private static let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

  private static func hash(_ bytes: [UInt8]) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.hexadecimal
  }

  /// A catalogue of one model with one address.
  private static func catalogue(_ url: URL, sha256: String = hash(content)) -> ModelCatalogue {
    ModelCatalogue(models: [
      CatalogueModel(
        name: "tiny", summary: "", license: "MIT", licenseURL: nil, parameters: 1, context: 1,
        file: "tiny.gguf", bytes: content.count, sha256: sha256,
        sources: [ModelSource(url: url.absoluteString, sha256: sha256, packages: nil)])
    ])
  }

  @Test("the catalogue in the binary names a licence, a size and a hash of every model")
  func builtIn() {
    #expect(ModelCatalogue.builtIn["smollm2-135m-instruct"]?.bytes == 98_362_432)
    for model in ModelCatalogue.builtIn.models {
      #expect(!model.license.isEmpty && model.sha256.count == 64 && model.bytes > 0)
      #expect(ModelCache.isName(model.name) && !model.sources.isEmpty)
    }
  }

  @Test("a pulled model is found under its name, with its record")
  func pulls() async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(.init(files: ["/tiny.gguf": Self.content]))
    let cache = ModelCache(folder: folder.url)
    let record = try await ModelPull(cache, Self.catalogue(server.url("/tiny.gguf"))).pull("tiny")
    #expect(record.sha256 == Self.hash(Self.content) && record.bytes == Self.content.count)
    let path = try #require(cache.path("tiny"))
    #expect(try Data(contentsOf: path) == Data(Self.content))
    #expect(cache.records.map(\.name) == ["tiny"])
    _ = try await ModelPull(cache, Self.catalogue(server.url("/tiny.gguf"))).pull("tiny")
    #expect(server.requests.withLock { $0 } == ["/tiny.gguf all"], "the second pull asks nobody")
  }

  @Test("a broken download is gone on with where it ended, and nothing half is ever found")
  func resumes() async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(.init(files: ["/tiny.gguf": Self.content], breaksAfter: 120_000))
    let cache = ModelCache(folder: folder.url)
    let pull = ModelPull(cache, Self.catalogue(server.url("/tiny.gguf")))
    for _ in 0..<2 {
      await #expect(throws: CatalogueError.self) { try await pull.pull("tiny") }
      #expect(cache.path("tiny") == nil && cache.records.isEmpty)
    }
    _ = try await pull.pull("tiny")
    #expect(try Data(contentsOf: #require(cache.path("tiny"))) == Data(Self.content))
    #expect(
      server.requests.withLock { $0 }
        == ["/tiny.gguf all", "/tiny.gguf 120000", "/tiny.gguf 240000"])
  }

  @Test("a server that knows no ranges starts over, and the file is whole")
  func withoutRanges() async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(
      .init(files: ["/tiny.gguf": Self.content], breaksAfter: 50_000, honoursRanges: false))
    let cache = ModelCache(folder: folder.url)
    let pull = ModelPull(cache, Self.catalogue(server.url("/tiny.gguf")))
    await #expect(throws: CatalogueError.self) { try await pull.pull("tiny") }
    server.behaviour.withLock { $0.breaksAfter = nil }
    _ = try await pull.pull("tiny")
    #expect(try Data(contentsOf: #require(cache.path("tiny"))) == Data(Self.content))
  }

  @Test("a file of another hash is thrown away, and the message names both hashes")
  func wrongHash() async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(.init(files: ["/tiny.gguf": Self.content]))
    let cache = ModelCache(folder: folder.url)
    let wanted = String(repeating: "0", count: 64)
    let pull = ModelPull(cache, Self.catalogue(server.url("/tiny.gguf"), sha256: wanted))
    do {
      _ = try await pull.pull("tiny")
      Issue.record("a wrong file was taken")
    } catch {
      #expect("\(error)".contains(wanted) && "\(error)".contains(Self.hash(Self.content)))
    }
    let left = try FileManager.default.subpathsOfDirectory(atPath: folder.url.path)
    #expect(!left.contains { $0.hasSuffix(".gguf") || $0.hasSuffix(".part") })
  }

  @Test("a missing file is said to be missing")
  func missing() async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(.init())
    let pull = ModelPull(
      ModelCache(folder: folder.url), Self.catalogue(server.url("/tiny.gguf")))
    do {
      _ = try await pull.pull("tiny")
      Issue.record("nothing was missing")
    } catch {
      #expect("\(error)".contains("404"))
    }
  }

  @Test("a local file and a local folder are taken into the cache")
  func local() async throws {
    let folder = try TemporaryFolder()
    let cache = ModelCache(folder: folder.url.appending(path: "cache"))
    let file = try folder.file("own.gguf", SmallModel.gguf("own"))
    let record = try await ModelPull(cache).pull(file.path)
    #expect(record.name == "own" && cache.path("own")?.lastPathComponent == "own.gguf")
    for (name, bytes) in try SmallModel.folder("qwen3") {
      let blob = try folder.file("blobs/\(name)", bytes)
      _ = try folder.file("small-1.5/secret.txt", "")
      // As in the hub's own cache.
      try FileManager.default.createSymbolicLink(
        at: folder.url.appending(path: "small-1.5/\(name)"), withDestinationURL: blob)
    }
    _ = try await ModelPull(cache).pull(folder.url.appending(path: "small-1.5").path)
    let path = try #require(cache.path("small-1.5"))
    let names = try FileManager.default.contentsOfDirectory(atPath: path.path).sorted()
    #expect(names == ["config.json", "model.safetensors", "primer.json"])
    let weights = path.appending(path: "model.safetensors")
    #expect(try Data(contentsOf: weights) == Data(SmallModel.folder("qwen3")["model.safetensors"]!))
  }

  @Test(
    "what is no name, address or file is refused, naming the catalogue",
    arguments: ["nothing-of-this-name", "../x", "a/b/c", "/etc/passwd/x", "a/..", ""])
  func unknown(text: String) async throws {
    let folder = try TemporaryFolder()
    let pull = ModelPull(ModelCache(folder: folder.url))
    await #expect(throws: CatalogueError.self) { try await pull.pull(text) }
    #expect(throws: CatalogueError.self) { try PullLocation(text, .builtIn) }
  }

  @Test("names that would leave the cache are none", arguments: ["..", ".x", "a/b", "", "a\u{0}b"])
  func names(name: String) {
    #expect(!ModelCache.isName(name))
  }
}
