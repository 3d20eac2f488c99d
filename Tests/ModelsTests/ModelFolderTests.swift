import Foundation
import PrimerCheckpoints
import PrimerLayers
import PrimerModels
import PrimerTensors
import TestSupport
import Testing

@Suite("Model folders that cannot be used are refused with a reason")
struct ModelFolderTests {
  let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    for file in ["config.json", "model.safetensors"] {
      try FileManager.default.copyItem(
        at: Goldens.file("models/llama-tied-biased/\(file)"), to: folder.url.appending(path: file))
    }
  }

  /// What loading the folder says.
  private func complaint() -> String {
    do {
      _ = try ModelRegistry.load(folder.url)
      return ""
    } catch {
      return "\(error)"
    }
  }

  private func configure(_ changes: [String: Any?]) throws {
    let url = folder.url.appending(path: "config.json")
    var values =
      try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as! [String: Any]
    for (key, value) in changes { values[key] = value }
    try JSONSerialization.data(withJSONObject: values).write(to: url)
  }

  @Test("an unknown family, listing the known ones")
  func family() throws {
    try configure(["model_type": "mamba"])
    #expect(complaint().contains("model_type 'mamba'"))
    #expect(complaint().contains("'gpt2', 'llama'"))
  }

  @Test("no family at all, no JSON, no configuration")
  func configuration() throws {
    try configure(["model_type": nil])
    #expect(complaint().contains("model_type"))
    _ = try folder.file("config.json", "{")
    #expect(complaint().contains("config.json"))
    try FileManager.default.removeItem(at: folder.url.appending(path: "config.json"))
    #expect(complaint().contains("config.json is missing"))
  }

  @Test("a configuration or an index that is longer than any model's")
  func longFiles() throws {
    let numbers = String(repeating: ",1", count: 2 << 20)
    _ = try folder.file("config.json", #"{"model_type": "llama", "x": [1\#(numbers)]}"#)
    #expect(complaint().contains("config.json") && complaint().contains("(at most 4194304)"))
    _ = try folder.file("config.json", #"{"model_type": "llama"}"#)
    try FileManager.default.removeItem(at: folder.url.appending(path: "model.safetensors"))
    let index = try folder.file("model.safetensors.index.json", "{}")
    let handle = try FileHandle(forWritingTo: index)
    try handle.truncate(atOffset: 64 << 20 + 1)
    #expect(complaint().contains("index.json") && complaint().contains("(at most 67108864)"))
  }

  @Test("numbers that are missing, wrong or do not divide")
  func numbers() throws {
    try configure(["num_key_value_heads": 3])
    #expect(complaint().contains("num_key_value_heads"))
    try configure(["num_key_value_heads": 4, "hidden_size": -16])
    #expect(complaint().contains("hidden_size"))
    try configure(["hidden_size": "wide"])
    #expect(complaint().contains("hidden_size"))
    try configure(["hidden_size": nil])
    #expect(complaint().contains("hidden_size"))
  }

  @Test("an activation or a rope scaling that is not known, listing what is")
  func unsupported() throws {
    try configure(["hidden_act": "mish"])
    #expect(complaint().contains("'mish'") && complaint().contains("silu"))
    try configure(["hidden_act": "silu", "rope_scaling": ["rope_type": "dynamic", "factor": 4]])
    try configure(["rope_parameters": nil])
    #expect(complaint().contains("'dynamic'"))
    let gpt2 = Goldens.file("models/gpt2-gelu/config.json")
    for change in ["scale_attn_weights": false, "tie_word_embeddings": false] {
      try Data(contentsOf: gpt2).write(to: folder.url.appending(path: "config.json"))
      try configure([change.key: change.value])
      #expect(complaint().contains("plain GPT-2"))
    }
  }

  @Test("a configuration of another shape, or of another depth, naming the tensor")
  func mismatch() throws {
    try configure(["intermediate_size": 25])
    #expect(complaint().contains("mlp.gate_proj.weight"))
    try configure(["intermediate_size": 24, "num_hidden_layers": 3])
    #expect(complaint().contains("model.layers.2"))
  }

  @Test("a pickle, by name")
  func pickle() throws {
    let weights = folder.url.appending(path: "model.safetensors")
    try FileManager.default.moveItem(
      at: weights, to: folder.url.appending(path: "pytorch_model.bin"))
    #expect(complaint().contains("pytorch_model.bin") && complaint().contains("pickle"))
    try FileManager.default.removeItem(at: folder.url.appending(path: "pytorch_model.bin"))
    #expect(complaint().contains("model.safetensors is missing"))
  }

  @Test(
    "numbers that no model has, before anything of their size is made",
    arguments: [
      ("hidden_size", 1 << 40), ("vocab_size", 1 << 62), ("num_hidden_layers", 1 << 31),
      ("head_dim", 1 << 30), ("intermediate_size", .max), ("max_position_embeddings", 1 << 40),
      ("num_attention_heads", 1 << 20),
    ])
  func hugeNumbers(_ field: (name: String, value: Int)) throws {
    try configure([field.name: field.value])
    #expect(complaint().contains(field.name) && complaint().contains("more than any model's"))
  }

  @Test("a part of a head to turn that is no part")
  func hugeShare() throws {
    for share in [1e300, -1, 0, .infinity] {
      _ = try folder.file(
        "config.json",
        String(contentsOf: Goldens.file("models/llama-tied-biased/config.json"), encoding: .utf8)
          .replacing(
            "\"head_dim\": 4", with: "\"head_dim\": 4, \"partial_rotary_factor\": \(share)"
          )
          .replacing("inf", with: "1e999"))
      #expect(!complaint().isEmpty)
    }
  }

  @Test("more layers than the checkpoint has, at the first that is missing")
  func missingLayers() throws {
    try configure(["num_hidden_layers": 60_000])
    #expect(complaint().contains("lacks 'model.layers.2."))
    #expect(!complaint().contains("model.layers.3."))
  }

  @Test("shards are found by their index; a foreign path in it is refused, a missing shard named")
  func shards() throws {
    let whole = try ModelFolder(folder.url)
    let tensors = whole.names.map { ($0, whole.tensor($0)!.copied()) }
    let half = tensors.count / 2
    let names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    let parts = [Array(tensors[..<half]), Array(tensors[half...])]
    var map: [String: String] = [:]
    for (name, part) in zip(names, parts) {
      try SafetensorsFile.write(
        part.map { (name: $0.0, tensor: $0.1) }, to: folder.url.appending(path: name))
      for (tensor, _) in part { map[tensor] = name }
    }
    let expected = try ModelRegistry.load(folder.url)
    try FileManager.default.removeItem(at: folder.url.appending(path: "model.safetensors"))
    func writeIndex(_ map: [String: String]) throws {
      let index = try JSONEncoder().encode(["weight_map": map])
      try index.write(to: folder.url.appending(path: "model.safetensors.index.json"))
    }
    try writeIndex(map)
    let loaded = try ModelRegistry.load(folder.url)
    #expect(loaded.parameters.map(\.value.scalars) == expected.parameters.map(\.value.scalars))
    try FileManager.default.removeItem(at: folder.url.appending(path: names[1]))
    #expect(complaint().contains(names[1]))
    try writeIndex(map.mapValues { _ in "../other.safetensors" })
    #expect(complaint().contains("not a plain file name"))
  }

  @Test("large weights are written in shards that load to the same, and none of them stays behind")
  func writtenShards() throws {
    let whole = try ModelFolder(folder.url)
    let tensors = whole.names.map { (name: $0, tensor: whole.tensor($0)!.copied()) }
    let expected = try ModelRegistry.load(folder.url).parameters.map(\.value.scalars)
    let other = folder.url.appending(path: "written")
    func write(_ largest: Int) throws -> [String] {
      try ModelFolder.write(
        configuration: whole.configuration, tensors: tensors, largestShard: largest, to: other)
      #expect(try ModelRegistry.load(other).parameters.map(\.value.scalars) == expected)
      return try FileManager.default.contentsOfDirectory(atPath: other.path).sorted()
    }
    #expect(try write(.max) == ["config.json", "model.safetensors"])
    let names = try write(whole.byteCount / 2)
    #expect(names.count > 4 && names.contains("model.safetensors.index.json"))
    #expect(!names.contains("model.safetensors"))
    for name in names where name.hasPrefix("model-") {
      let file = try SafetensorsFile(other.appending(path: name))
      let size = file.entries.values.reduce(0) { $0 + $1.byteCount }
      #expect(size <= whole.byteCount / 2 || file.names.count == 1)
    }
    struct Index: Decodable {
      let metadata: [String: Int]
      let weight_map: [String: String]
    }
    let index = try JSONDecoder().decode(
      Index.self, from: Data(contentsOf: other.appending(path: "model.safetensors.index.json")))
    #expect(index.metadata["total_size"] == whole.byteCount)
    #expect(index.weight_map.keys.sorted() == whole.names)
    // One weight a file, then fewer files, then one.
    #expect(try write(1).count == tensors.count + 2)
    #expect(try write(whole.byteCount / 2) == names)
    #expect(try write(.max) == ["config.json", "model.safetensors"])
  }

  @Test("weights of f16 and bf16 are read as the numbers they are")
  func halves() throws {
    let whole = try ModelFolder(folder.url)
    for type in [ElementType.float16, .bfloat16] {
      let tensors = whole.names.map { (name: $0, tensor: whole.tensor($0)!.converted(to: type)) }
      let other = folder.url.appending(path: "\(type)")
      try ModelFolder.write(configuration: whole.configuration, tensors: tensors, to: other)
      let model = try ModelRegistry.load(other)
      for parameter in model.parameters {
        let expected = whole.tensor(parameter.name)!.converted(to: type).converted(to: .float32)
        #expect(parameter.value.converted(to: .float32).scalars == expected.scalars)
        #expect((parameter.value.elementType == type) == (parameter.role != .vector))
      }
    }
  }
}
