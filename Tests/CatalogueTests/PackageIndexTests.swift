import Foundation
import Synchronization
import TestSupport
import Testing

@testable import PrimerCatalogue

@Suite("Sources of the catalogue's models")
struct PackageIndexTests {
  /// A `python3` whose pip takes files of `index` for wheels, each of which holds itself as `weights`.
  private struct FakePython {
    let folder: TemporaryFolder
    var environment: [String: String] { ["PATH": folder.url.path + ":/usr/bin:/bin"] }

    init() throws {
      folder = try TemporaryFolder()
      let python = try folder.file(
        "python3",
        """
        #!/bin/sh
        here=$(dirname "$0")
        shift 3
        echo "$1" >>"$here/calls"
        case "$1" in
        download)
          name=$(echo "${6%%=*}" | tr - _)-1.0-py3-none-any.whl
          [ -e "$here/index/$name" ] || { echo "ERROR: No matching distribution" >&2; exit 1; }
          cp "$here/index/$name" "$5" ;;
        install) mkdir -p "$7/tiny" && cp "$8" "$7/tiny/weights" ;;
        esac
        """)
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o755], ofItemAtPath: python.path)
    }

    func add(_ package: String, _ bytes: [UInt8]) throws {
      let name = package.replacing("-", with: "_")
      _ = try folder.file("index/\(name)-1.0-py3-none-any.whl", bytes)
    }

    var calls: [String] {
      let text = try? String(contentsOf: folder.url.appending(path: "calls"), encoding: .utf8)
      return (text ?? "").split(separator: "\n").map(String.init)
    }
  }

  private static let parts: [[UInt8]] = [Array("the first half, ".utf8), Array("the second".utf8)]

  private static func hash(_ bytes: [UInt8]) throws -> String {
    let folder = try TemporaryFolder()
    return try FileHash.sha256(of: folder.file("bytes", bytes))
  }

  private static var packages: [PackagePart] {
    get throws {
      try parts.enumerated().map { number, bytes in
        PackagePart(
          requirement: "tiny-part-\(number)==1.0", part: "tiny/weights", sha256: try hash(bytes))
      }
    }
  }

  /// One model, to be had from `sources`.
  private static func catalogue(_ sources: [ModelSource]) throws -> ModelCatalogue {
    let bytes = Array(parts.joined())
    return ModelCatalogue(models: [
      CatalogueModel(
        name: "tiny", summary: "", license: "MIT", licenseURL: nil, parameters: 1, context: 1,
        file: "tiny.gguf", bytes: bytes.count, sha256: try hash(bytes), sources: sources)
    ])
  }

  @Test("where the first source has nothing, packages are joined to the model")
  func fallsBack() async throws {
    let folder = try TemporaryFolder()
    let python = try FakePython()
    for (number, part) in Self.parts.enumerated() { try python.add("tiny-part-\(number)", part) }
    let server = try SmallServer(.init())
    let catalogue = try Self.catalogue([
      ModelSource(url: server.url("/tiny.gguf").absoluteString, sha256: nil, packages: nil),
      ModelSource(url: nil, sha256: nil, packages: Self.packages),
    ])
    let cache = ModelCache(folder: folder.url)
    let record = try await ModelPull(cache, catalogue, environment: python.environment).pull("tiny")
    #expect(server.requests.withLock { $0 } == ["/tiny.gguf all"])
    #expect(record.source == "tiny-part-0==1.0 tiny-part-1==1.0")
    #expect(try Data(contentsOf: #require(cache.path("tiny"))) == Data(Self.parts.joined()))
    #expect(python.calls == ["download", "install", "download", "install"])
    let left = try FileManager.default.contentsOfDirectory(atPath: cache.place("tiny").path)
    #expect(left.sorted() == ["primer.json", "tiny.gguf"])
  }

  @Test("where the first address has nothing, the second is asked")
  func secondAddress() async throws {
    let folder = try TemporaryFolder()
    let server = try SmallServer(.init(files: ["/b.gguf": Array(Self.parts.joined())]))
    let sources = ["/a.gguf", "/b.gguf"].map {
      ModelSource(url: server.url($0).absoluteString, sha256: nil, packages: nil)
    }
    let cache = ModelCache(folder: folder.url)
    let record = try await ModelPull(cache, Self.catalogue(sources)).pull("tiny")
    #expect(record.source == server.url("/b.gguf").absoluteString)
    #expect(server.requests.withLock { $0 } == ["/a.gguf all", "/b.gguf all"])
  }

  @Test("where no source has it, each one's reason is told and nothing is left")
  func allFail() async throws {
    let folder = try TemporaryFolder()
    let python = try FakePython()
    let server = try SmallServer(.init())
    let catalogue = try Self.catalogue([
      ModelSource(url: server.url("/tiny.gguf").absoluteString, sha256: nil, packages: nil),
      ModelSource(url: nil, sha256: nil, packages: Self.packages),
    ])
    let cache = ModelCache(folder: folder.url)
    do {
      _ = try await ModelPull(cache, catalogue, environment: python.environment).pull("tiny")
      Issue.record("a model came from nowhere")
    } catch {
      #expect("\(error)".contains("404") && "\(error)".contains("No matching distribution"))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: cache.models.path) == [])
  }

  @Test("a wheel of another hash is thrown away; one that is there is not fetched again")
  func wheels() async throws {
    let folder = try TemporaryFolder()
    let python = try FakePython()
    try python.add("tiny-part-0", Self.parts[0])
    try python.add("tiny-part-1", Array("another".utf8))
    let source = ModelSource(url: nil, sha256: nil, packages: try Self.packages)
    let cache = ModelCache(folder: folder.url)
    let pull = ModelPull(
      cache, try Self.catalogue([source]), environment: python.environment)
    do {
      _ = try await pull.pull("tiny")
      Issue.record("a wrong wheel was taken")
    } catch {
      #expect("\(error)".contains(try Self.hash(Array("another".utf8))))
    }
    try python.add("tiny-part-1", Self.parts[1])
    _ = try await pull.pull("tiny")
    #expect(python.calls == ["download", "install", "download", "install", "download", "install"])
    #expect(try Data(contentsOf: #require(cache.path("tiny"))) == Data(Self.parts.joined()))
  }

  @Test("what one source left half is still there when the next one failed")
  func keepsHalf() async throws {
    let folder = try TemporaryFolder()
    let python = try FakePython()
    let server = try SmallServer(
      .init(files: ["/tiny.gguf": Array(Self.parts.joined())], breaksAfter: 10))
    let catalogue = try Self.catalogue([
      ModelSource(url: server.url("/tiny.gguf").absoluteString, sha256: nil, packages: nil),
      ModelSource(url: nil, sha256: nil, packages: Self.packages),
    ])
    let pull = ModelPull(
      ModelCache(folder: folder.url), catalogue, environment: python.environment)
    await #expect(throws: CatalogueError.self) { try await pull.pull("tiny") }
    server.behaviour.withLock { $0.breaksAfter = nil }
    _ = try await pull.pull("tiny")
    #expect(server.requests.withLock { $0 } == ["/tiny.gguf all", "/tiny.gguf 10"])
  }
}
