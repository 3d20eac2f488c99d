import Foundation
import PrimerCheckpoints
import PrimerLayers
import PrimerModels
import PrimerTensors
import TestSupport
import Testing

@Suite("Models in GGUF files")
struct GGUFModelTests {
  /// Those that GGUF has words for: plain activations, usual windows.
  static let names = [
    "gpt2-gelu-tanh", "llama-untied-grouped", "llama-tied-biased", "llama-linear", "llama-llama3",
    "llama-yarn", "mistral", "mixtral", "qwen2-moe", "qwen3", "qwen3-moe", "gemma2", "gemma3",
    "phi3", "phi3-short", "phi3-long", "phi3-partial",
  ]
  static let tokens = Tensor((0..<19).map { Int32($0 * 7 % 43) }, shape: [1, 19])
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A golden folder; Gemma's with scores scaled by their width, as GGUF has it.
  private func source(_ name: String) throws -> URL {
    let golden = Goldens.file("models/\(name)")
    guard name.hasPrefix("gemma") else { return golden }
    let copy = folder.url.appending(path: "source-\(name)")
    try? FileManager.default.removeItem(at: copy)
    try FileManager.default.copyItem(at: golden, to: copy)
    let configuration = copy.appending(path: "config.json")
    let text = try String(contentsOf: configuration, encoding: .utf8)
    try text.replacing("\"query_pre_attn_scalar\": 9", with: "\"query_pre_attn_scalar\": 6")
      .write(to: configuration, atomically: true, encoding: .utf8)
    return copy
  }

  /// Writes a golden model as a GGUF file of f32, with `change` made to its metadata and some tensors
  /// replaced.
  private func file(
    _ name: String, replacing: [String: Tensor] = [:],
    _ change: (inout GGUFMetadata) -> Void = { _ in }
  ) throws -> URL {
    let source = try source(name)
    let export = try GGUFExport(ModelRegistry.load(source), from: source)
    let url = folder.url.appending(path: "\(name).gguf")
    var metadata = export.metadata
    change(&metadata)
    var file = try GGUFWriter(
      url, metadata: metadata,
      tensors: export.tensors.map { .init(name: $0.name, shape: $0.shape, type: $0.elementType) })
    for entry in export.tensors { try file.append(replacing[entry.name] ?? entry.tensor()) }
    try file.commit()
    return url
  }

  @Test("that claim more layers or larger rows than any model are refused before they are made")
  func hugeClaims() throws {
    for (key, value, says) in [
      ("llama.block_count", 1 << 30, "layers"), ("llama.embedding_length", 1 << 30, "hidden_size"),
      ("llama.context_length", 1 << 30, "max_position_embeddings"),
    ] {
      let url = try file("llama-untied-grouped") { $0[key] = .uint32(UInt32(value)) }
      #expect {
        try ModelRegistry.load(url)
      } throws: {
        "\($0)".contains(says) && "\($0)".contains("more than any model's")
          || "\($0)".contains("at most 65536")
      }
    }
  }

  @Test("give the logits of the folders that they were made from", arguments: names)
  func logits(name: String) throws {
    let expected = try ModelRegistry.load(source(name)).logits(Self.tokens)
    let url = try file(name)
    for writable in [false, true] {
      let model = try ModelRegistry.load(url, writable: writable)
      let apart = zip(model.logits(Self.tokens).scalars, expected.scalars).map { abs($0 - $1) }
      #expect(apart.max()! < 1e-4, "writable: \(writable)")
    }
  }

  @Test("become the folder again, tensor by tensor", arguments: names)
  func roundTrip(name: String) throws {
    let original = try ModelRegistry.load(Goldens.file("models/\(name)"))
    let model = try ModelRegistry.load(try file(name))
    try ModelRegistry.save(model, to: folder.url.appending(path: name))
    let again = try ModelRegistry.load(folder.url.appending(path: name))
    #expect(again.parameters.map(\.name) == original.parameters.map(\.name))
    for (a, b) in zip(again.parameters, original.parameters) {
      // Norms that a file keeps with 1 added lose the last bits.
      let apart = zip(a.value.scalars, b.value.scalars).map { abs($0 - $1) }
      #expect(apart.max()! < 1e-6, "\(a.name)")
    }
  }

  @Test(
    "are not made of what they have no words for",
    arguments: ["gemma3", "qwen2", "gpt2-gelu", "llama-wide-heads"])
  func unsaid(name: String) throws {
    let url = Goldens.file("models/\(name)")
    let model = try ModelRegistry.load(url)
    #expect(throws: CheckpointError.self) { try GGUFExport(model, from: url) }
  }

  @Test("of llama's architecture keep the rows of queries and keys in pairs")
  func rotaryRows() throws {
    let url = try file("llama-untied-grouped")
    #expect(try ModelRegistry.load(url).rotaryLayout == .interleaved)
    #expect(try ModelRegistry.load(url, writable: true).rotaryLayout == .halves)
    let theirs = try GGUFFile(url).tensor("blk.0.attn_q.weight")!
    let ours = try ModelFolder(Goldens.file("models/llama-untied-grouped"))
      .tensor("model.layers.0.self_attn.q_proj.weight")!
    // Heads of 4: pairs (0, 2) and (1, 3) lie side by side.
    for (row, from) in [0, 2, 1, 3, 4, 6, 5, 7].enumerated() {
      #expect(
        theirs.sliced(axis: 0, row..<row + 1).scalars
          == ours.sliced(axis: 0, from..<from + 1).scalars)
    }
  }

  private func complaint(_ name: String, _ change: (inout GGUFMetadata) -> Void) throws -> String {
    let url = try file(name, change)
    do {
      _ = try ModelRegistry.load(url)
      return ""
    } catch {
      #expect("\(error)".contains(url.path))
      return "\(error)"
    }
  }

  @Test("of an unknown architecture are refused by name, listing the known ones")
  func architecture() throws {
    let text = try complaint("qwen3") { $0["general.architecture"] = .string("mamba") }
    #expect(text.contains("'mamba'") && text.contains("'llama'") && text.contains("'gemma3'"))
  }

  @Test("with numbers missing, of another kind, not positive or not dividing name the key")
  func numbers() throws {
    #expect(
      try complaint("qwen3") { $0["qwen3.block_count"] = nil }.contains("'qwen3.block_count'"))
    #expect(
      try complaint("qwen3") { $0["qwen3.block_count"] = .string("two") }
        .contains("'qwen3.block_count'"))
    #expect(
      try complaint("qwen3") { $0["qwen3.attention.head_count"] = .uint32(0) }
        .contains("'qwen3.attention.head_count'"))
    #expect(
      try complaint("qwen3") { $0["qwen3.attention.head_count_kv"] = .uint32(3) }
        .contains("num_key_value_heads"))
    #expect(
      try complaint("qwen3") { $0["qwen3.feed_forward_length"] = .uint32(25) }
        .contains("gate_proj"))
    #expect(
      try complaint("qwen3") { $0["qwen3.block_count"] = .uint32(3) }.contains("model.layers.2"))
    #expect(
      try complaint("qwen3") { $0["qwen3.rope.scaling.type"] = .string("dynamic") }
        .contains("'dynamic'"))
    #expect(
      try complaint("mixtral") { $0["llama.expert_used_count"] = .uint32(9) }
        .contains("num_experts_per_tok"))
  }

  @Test(
    "with rotary divisors that are no positive numbers are refused, naming the tensor",
    arguments: [
      ("llama-llama3", "rope_freqs.weight"), ("phi3-long", "rope_factors_long.weight"),
      ("phi3-long", "rope_factors_short.weight"),
    ], [0, -1, .nan, .infinity] as [Float])
  func divisors(of: (name: String, tensor: String), value: Float) throws {
    let usual = try #require(try GGUFFile(file(of.name)).tensor(of.tensor)).scalars
    let changed = Tensor(usual.dropLast() + [value], shape: [usual.count])
    let url = try file(of.name, replacing: [of.tensor: changed])
    #expect {
      try ModelRegistry.load(url)
    } throws: {
      "\($0)" == "\(url.path): '\(of.tensor)' holds other than positive numbers"
    }
  }
}

@Suite("Llama, trained on stories", .enabled(if: SharedData.isPresent))
struct StoriesTests {
  /// llama2.c's file (github.com/karpathy/llama2.c, export.py, version 0): seven numbers, then weights in
  /// order of kind; rows of queries and keys in pairs.
  private func model() throws -> LlamaModel {
    let data = try Data(contentsOf: SharedData.file("models/stories260K/stories260K.bin"))
    let words = data.withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) }
    let header = words[..<7].map { Int($0) }
    let (width, hidden, layers, heads) = (header[0], header[1], header[2], header[3])
    let (keyHeads, vocabulary) = (header[4], header[5])
    let keyWidth = width / heads * keyHeads
    var next = 7
    var weights: [String: Tensor] = [:]
    func take(_ name: String, _ shape: [Int]) {
      let count = shape.reduce(1, *)
      weights[name] = Tensor(
        words[next..<next + count].map { Float(bitPattern: $0) }, shape: shape)
      next += count
    }
    func each(_ name: String, _ shape: [Int]) {
      for layer in 0..<layers { take("model.layers.\(layer).\(name).weight", shape) }
    }
    take("model.embed_tokens.weight", [vocabulary, width])
    each("input_layernorm", [width])
    each("self_attn.q_proj", [width, width])
    each("self_attn.k_proj", [keyWidth, width])
    each("self_attn.v_proj", [keyWidth, width])
    each("self_attn.o_proj", [width, width])
    each("post_attention_layernorm", [width])
    each("mlp.gate_proj", [hidden, width])
    each("mlp.down_proj", [width, hidden])
    each("mlp.up_proj", [hidden, width])
    take("model.norm.weight", [width])
    return try LlamaModel(
      LlamaConfiguration(
        vocabulary: vocabulary, context: header[6], width: width, layers: layers, heads: heads,
        keyValueHeads: keyHeads, hiddenWidth: hidden, tiesHead: true),
      ParameterScope(rotaryLayout: .interleaved) { weights[$0] })
  }

  private struct Reference: Decodable {
    let tokens: [Int32]
  }

  @Test("stories260K tells llama2.c's story, greedily and cached")
  func story() throws {
    let expected = try JSONDecoder().decode(
      Reference.self,
      from: Data(contentsOf: SharedData.file("models/vectors/stories260K_reference.json"))
    ).tokens
    let model = try model()
    let cache = model.makeCache(capacity: expected.count, element: .float32)
    let sequence = CachedSequence(cache)
    var tokens = [expected[0]]
    while tokens.count < expected.count {
      #expect(sequence.reserve(1))
      let pass = ForwardPass(cached: CachedBatch([(sequence, 1)]))
      let logits = model.nextLogits(Tensor([tokens.last!], shape: [1, 1]), pass)
      tokens.append(logits.argmax().integers[0])
    }
    #expect(tokens == expected)
  }
}
