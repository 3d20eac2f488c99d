import Foundation
import TestSupport
import Testing

/// What scripts rely on of the commands that fetch, show and rewrite models.
@Suite("Model files on the command line", .enabled(if: PrimerCommand.isBuilt))
struct ModelFileTests {
  private let folder: TemporaryFolder
  /// A golden model with a tokenizer that has a letter for each row of its embedding.
  private let model: URL

  init() throws {
    folder = try TemporaryFolder()
    model = folder.url.appending(path: "tiny-0.1")
    for name in ["config.json", "model.safetensors"] {
      let bytes = try Data(contentsOf: Goldens.file("models/qwen3/\(name)"))
      _ = try folder.file("tiny-0.1/\(name)", Array(bytes))
    }
    let letters = (0..<43).map { Character(Unicode.Scalar(UInt8(ascii: "0") + $0)) }
    let vocabulary = letters.enumerated().map { letter in
      "\(letter.element == "\\" ? "\"\\\\\"" : "\"\(letter.element)\""): \(letter.offset)"
    }
    _ = try folder.file(
      "tiny-0.1/tokenizer.json",
      """
      {"added_tokens": [], "normalizer": null, "post_processor": null,
       "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
       "model": {"type": "BPE", "vocab": {\(vocabulary.joined(separator: ", "))}, "merges": []}}
      """)
  }

  /// The one JSON object that the command prints.
  private func report(_ arguments: String...) throws -> [String: Any] {
    let outcome = try PrimerCommand.run(arguments + ["--json"], in: folder.url)
    #expect(outcome.code == 0, "\(outcome.errors)")
    return try outcome.json()
  }

  private func output(_ name: String) -> String { folder.url.appending(path: name).path }

  private func bytes(of path: String) throws -> Int {
    try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
  }

  /// Element types of the tensors that `inspect` lists.
  private func types(_ inspection: [String: Any]) throws -> [String: String] {
    let tensors = try #require(inspection["tensors"] as? [[String: Any]])
    return Dictionary(
      uniqueKeysWithValues: try tensors.map { tensor in
        #expect((tensor["shape"] as? [Int])?.isEmpty == false)
        return (try #require(tensor["name"] as? String), try #require(tensor["type"] as? String))
      })
  }

  @Test("an exported GGUF file is inspected as the folder it came from")
  func exportsAndInspects() throws {
    let exported = try report("export", "--model", model.path, "--output", output("tiny.gguf"))
    #expect(exported["path"] as? String == output("tiny.gguf"))
    let before = try report("inspect", model.path)
    let after = try report("inspect", output("tiny.gguf"))
    for inspection in [before, after] {
      #expect(inspection["family"] as? String == "qwen3")
      #expect(inspection["supported"] as? Bool == true)
    }
    #expect(after["parameters"] as? Int == before["parameters"] as? Int)
    #expect(before["parameters"] as? Int ?? 0 > 0)
    #expect(try types(before)["model.embed_tokens.weight"] == "F32")
    #expect(try types(after)["token_embd.weight"] == "F32")
    #expect(try types(after).count == types(before).count)
  }

  @Test("quantizing says how many bytes there were and are")
  func quantizes() throws {
    let report = try report(
      "quantize", "--model", model.path, "--type", "f16", "--output", output("half.gguf"))
    let weights = model.appending(path: "model.safetensors").path
    #expect(report["bytes_before"] as? Int == (try bytes(of: weights)))
    #expect(report["bytes_after"] as? Int == (try bytes(of: output("half.gguf"))))
    let types = try types(self.report("inspect", output("half.gguf")))
    #expect(types["token_embd.weight"] == "F16" && types["output_norm.weight"] == "F32")
  }

  @Test("a pulled file and a pulled folder are listed and can be named")
  func pullsAndLists() throws {
    _ = try report("export", "--model", model.path, "--output", output("own.gguf"))
    let pulled = try report("pull", output("own.gguf"))
    let path = try #require(pulled["path"] as? String)
    #expect(path == output("cache/models/own/own.gguf"))
    #expect(pulled["bytes"] as? Int == (try bytes(of: path)))
    #expect((pulled["sha256"] as? String)?.wholeMatch(of: /[0-9a-f]{64}/) != nil)
    #expect(FileManager.default.contentsEqual(atPath: path, andPath: output("own.gguf")))
    #expect(try report("pull", model.path)["path"] as? String == output("cache/models/tiny-0.1"))
    let models = try #require(try report("models")["models"] as? [[String: Any]])
    for entry in models {
      #expect(Set(["name", "path", "parameters", "license"]).isSubset(of: entry.keys))
    }
    let paths = models.map { [$0["name"] as? String, $0["path"] as? String] }
    #expect(paths.contains(["own", path]))
    #expect(paths.contains(["tiny-0.1", output("cache/models/tiny-0.1")]))
    #expect(paths.contains(["smollm2-135m-instruct", nil]))
    for name in ["own", "tiny-0.1"] {
      #expect(try report("inspect", name)["family"] as? String == "qwen3")
    }
  }
}
