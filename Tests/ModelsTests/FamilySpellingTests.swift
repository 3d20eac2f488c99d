import Foundation
import PrimerCheckpoints
import PrimerLayers
import PrimerModels
import PrimerTensors
import TestSupport
import Testing

@Suite("Configurations and names that other versions spell")
struct FamilySpellingTests {
  private let folder: TemporaryFolder
  private static let tokens = Tensor((0..<19).map { Int32($0 * 5 % 43) }, shape: [1, 19])

  init() throws { folder = try TemporaryFolder() }

  private func logits(_ url: URL) throws -> [Float] {
    try ModelRegistry.load(url).logits(Self.tokens).scalars
  }

  /// A copy of a golden folder with its configuration and its tensors' names changed.
  private func changed(
    _ name: String, _ configure: (inout [String: Any]) -> Void = { _ in },
    _ tensors: ([(name: String, tensor: Tensor)]) -> [(name: String, tensor: Tensor)] = { $0 }
  ) throws -> URL {
    let golden = try ModelFolder(Goldens.file("models/\(name)"))
    var json =
      try JSONSerialization.jsonObject(with: golden.configuration) as! [String: Any]
    configure(&json)
    let url = folder.url.appending(path: name)
    try ModelFolder.write(
      configuration: JSONSerialization.data(withJSONObject: json),
      tensors: tensors(golden.names.map { ($0, golden.tensor($0)!) }), to: url)
    return url
  }

  @Test(
    "rope_scaling of transformers 4 means what rope_parameters does",
    arguments: ["llama-linear", "llama-llama3", "llama-yarn", "phi3-short", "phi3-long"],
    ["rope_type", "type"])
  func rotary(name: String, key: String) throws {
    let url = try changed(name) { json in
      var rotary = json["rope_parameters"] as! [String: Any]
      json["rope_parameters"] = nil
      json["rope_theta"] = rotary.removeValue(forKey: "rope_theta")
      let kind = rotary.removeValue(forKey: "rope_type") as! String
      rotary[key] = kind == "longrope" ? "su" : kind
      if name.hasPrefix("phi3") { rotary["original_max_position_embeddings"] = nil }
      json["rope_scaling"] = rotary
    }
    #expect(try logits(url) == logits(Goldens.file("models/\(name)")))
  }

  @Test(
    "rope scalings with missing or impossible numbers are refused, naming them",
    arguments: [
      ("llama-linear", "factor", nil), ("llama-linear", "factor", -1.0),
      ("llama-llama3", "low_freq_factor", nil), ("llama-llama3", "high_freq_factor", 0.5),
      ("llama-yarn", "original_max_position_embeddings", 0.0),
      ("llama-linear", "rope_theta", 0.5), ("phi3-long", "long_factor", nil),
      ("phi3-partial", "partial_rotary_factor", 2.0),
    ] as [(String, String, Double?)])
  func badRotary(name: String, key: String, value: Double?) throws {
    let url = try changed(name) { json in
      var rotary = json["rope_parameters"] as! [String: Any]
      rotary[key] = value
      json["rope_parameters"] = rotary
    }
    let error = #expect(throws: CheckpointError.self) { try ModelRegistry.load(url) }
    let named = key == "partial_rotary_factor" ? "turning 24 numbers" : key
    #expect("\(error!)".contains(named) && "\(error!)".contains("config.json"))
  }

  @Test("the text part of a multimodal Gemma 3 is a Gemma 3")
  func multimodal() throws {
    for prefix in ["language_model.model.", "model.language_model."] {
      let url = try changed("gemma3") { json in
        json = ["model_type": "gemma3", "text_config": json, "vision_config": ["hidden_size": 8]]
      } _: { tensors in
        tensors.map { (prefix + $0.name.dropFirst("model.".count), $0.tensor) }
      }
      #expect(try logits(url) == logits(Goldens.file("models/gemma3")))
    }
  }

  @Test("Gemma 3's windows and bases of transformers 4 are understood")
  func gemma3() throws {
    let url = try changed("gemma3") { json in
      json["layer_types"] = nil
      json["sliding_window_pattern"] = 2
      json["rope_parameters"] = nil
      json["rope_theta"] = 1e4
      json["rope_local_base_freq"] = 100.0
      json["rope_scaling"] = ["rope_type": "linear", "factor": 8.0]
    }
    #expect(try logits(url) == logits(Goldens.file("models/gemma3")))
  }

  @Test("experts that a file holds together are those that it holds one by one")
  func fusedExperts() throws {
    let url = try changed("qwen3-moe") { _ in
    } _: { tensors in
      var kept = tensors.filter { !$0.name.contains(".experts.") }
      let named = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.tensor) })
      for layer in 0..<2 {
        let place = "model.layers.\(layer).mlp.experts"
        func stacked(_ part: String) -> Tensor {
          Tensor.concatenated(
            (0..<5).map { number in
              let weight = named["\(place).\(number).\(part).weight"]!
              return weight.reshaped([1] + weight.shape)
            }, axis: 0)
        }
        kept.append(
          (
            "\(place).gate_up_proj",
            Tensor.concatenated([stacked("gate_proj"), stacked("up_proj")], axis: 1)
          ))
        kept.append(("\(place).down_proj", stacked("down_proj")))
      }
      return kept
    }
    #expect(try logits(url) == logits(Goldens.file("models/qwen3-moe")))
  }

  @Test("layers of an unknown kind, and too few kinds, are refused")
  func layerTypes() throws {
    for types in [["full_attention"], ["full_attention", "linear_attention"]] {
      let url = try changed("qwen2") { $0["layer_types"] = types }
      let error = #expect(throws: CheckpointError.self) { try ModelRegistry.load(url) }
      #expect("\(error!)".contains("layer"))
    }
  }

  @Test("reading ahead changes nothing but when pages arrive")
  func readingAhead() throws {
    let golden = try ModelFolder(Goldens.file("models/llama-untied-grouped"))
    let model = try LlamaModel(
      configuration: golden.configuration, from: golden.url,
      ParameterScope(keepsStored: true, readsAhead: true) { golden.tensor($0) })
    #expect(model.logits(Self.tokens).scalars == (try logits(golden.url)))
  }

  @Test("more layers than one share a table of positions that grows as texts do")
  func longTexts() throws {
    let configuration = LlamaConfiguration(
      vocabulary: 7, context: 2048, width: 8, layers: 2, heads: 2, hiddenWidth: 8)
    let model = try LlamaModel(configuration, ParameterScope(seed: 1))
    let tokens = Tensor((0..<700).map { Int32($0 % 7) }, shape: [1, 700])
    let fresh = try LlamaModel(configuration, ParameterScope(seed: 1))
    _ = model.logits(Tensor([Int32(1), 2], shape: [1, 2]))
    #expect(model.logits(tokens).scalars == fresh.logits(tokens).scalars)
  }
}
