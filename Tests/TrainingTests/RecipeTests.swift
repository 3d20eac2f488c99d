import Foundation
import PrimerTraining
import TestSupport
import Testing

/// The folder of the package.
let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()

@Suite("Recipe")
struct RecipeTests {
  @Test("every built-in recipe is sound and shows every number", arguments: Recipe.builtInNames)
  func builtIn(name: String) throws {
    let recipe = try Recipe(named: name)
    #expect(recipe.name == name)
    let yaml = try String(
      contentsOf: package.appending(path: "recipes/\(name).yaml"), encoding: .utf8)
    let shown = yaml.split(separator: "\n").compactMap { line in
      line.hasPrefix("#") ? nil : line.split(separator: ":").first.map(String.init)
    }
    #expect(shown == Recipe.keys)
    #expect(try Recipe(yaml: yaml, source: "file") == recipe)
  }

  @Test("all files of the recipes folder are built in")
  func all() throws {
    let files = try FileManager.default.contentsOfDirectory(
      atPath: package.appending(path: "recipes").path)
    #expect(files.sorted() == Recipe.builtInNames.map { $0 + ".yaml" }.sorted())
  }

  @Test("shakespeare-char is nanoGPT's configuration for processors")
  func shakespeare() throws {
    let recipe = try Recipe(named: "shakespeare-char")
    #expect(recipe.layers == 4 && recipe.heads == 4 && recipe.width == 128)
    #expect(recipe.context == 64 && recipe.batch == 12 && recipe.steps == 2000)
    #expect(recipe.rate == 1e-3 && recipe.finalRate == 1e-4 && recipe.warmup == 100)
    #expect(recipe.beta2 == 0.99 && recipe.weightDecay == 0.1 && recipe.clip == 1)
    #expect(recipe.activation == .gelu && recipe.dropout == 0)
  }

  @Test("GPT-2's smallest has 124,439,808 weights, and SmolLM2's 134,515,008")
  func parameters() throws {
    #expect(try Recipe(named: "gpt2-124m").parameters(vocabulary: 50257) == 124_439_808)
    let small = try Recipe().applying(set: [
      "family=llama", "layers=30", "width=576", "heads=9", "key_value_heads=3",
      "hidden_width=1536", "activation=silu",
    ])
    #expect(small.parameters(vocabulary: 49152) == 134_515_008)
  }

  @Test("operations a token of the Shakespeare recipe are 5.16 million, as nanoGPT counts")
  func operations() throws {
    let operations = try Recipe(named: "shakespeare-char").operationsPerToken(vocabulary: 65)
    #expect((5.1e6...5.3e6).contains(operations))
  }

  @Test("written as YAML it reads back as the same")
  func roundTrip() throws {
    var recipe = try Recipe(named: "tinystories")
    recipe.prompt = "\"To be\"\\ or: #not\n\tto é \u{1} 日本"
    recipe.name = "true"
    recipe.rate = 0.1 + 0.2
    #expect(try Recipe(yaml: recipe.yaml, source: "run.yaml") == recipe)
  }

  @Test("keys left out keep their defaults, and an empty file is the default recipe")
  func defaults() throws {
    #expect(try Recipe(yaml: "", source: "x") == Recipe())
    #expect(try Recipe(yaml: "# nothing\n", source: "x") == Recipe())
    #expect(try Recipe(yaml: "steps: 1_000", source: "x").steps == 1000)
  }

  @Test("--set changes keys, the last one wins, and a value may hold an equals sign")
  func set() throws {
    let recipe = try Recipe().applying(set: [
      "layers=6", "layers=8", "rate=3e-4", "dropout=0", "key_value_heads=auto",
      "family=llama", "tie_embeddings=false", "prompt=a=b", "schedule=warmup_stable_decay",
    ])
    #expect(recipe.layers == 8 && recipe.rate == 3e-4 && recipe.prompt == "a=b")
    #expect(recipe.family == .llama && !recipe.tieEmbeddings)
    #expect(recipe.schedule == .warmupStableDecay)
  }

  @Test("an unknown key is named with its line, the nearest known one, and the known ones")
  func unknownKey() throws {
    let error = #expect(throws: TrainingError.self) {
      try Recipe(yaml: "layers: 4\nlayrs: 4\n", source: "my.yaml")
    }
    #expect(
      error
        == .unknownKey("layrs", source: "my.yaml:2", nearest: "layers", known: Recipe.keys))
    #expect(error?.description.contains("did you mean \"layers\"") == true)
    #expect(error?.description.contains("key_value_heads") == true)
    #expect(error?.exitCode == 65)
    let setting = #expect(throws: TrainingError.self) { try Recipe().applying(set: ["x=1"]) }
    #expect(setting?.exitCode == 64)
    #expect(setting?.description.contains("did you mean") == false)
  }

  @Test(
    "a value of the wrong kind is named with its line and what it must be",
    arguments: [
      ("layers: many", "a whole number"), ("layers: 1.5", "a whole number"),
      ("rate: .nan", "a number"), ("rate: nan", "a number"), ("recompute: maybe", "true or false"),
      ("schedule: sine", "constant, linear, cosine, warmup_stable_decay"),
      ("vocabulary: big", "a whole number or auto"), ("heads: [1, 2]", "a whole number"),
      ("seed: -1", "a whole number from 0 up"),
    ])
  func badValue(line: String, expected: String) throws {
    let error = #expect(throws: TrainingError.self) {
      try Recipe(yaml: "\n\n" + line, source: "my.yaml")
    }
    #expect(error?.description.hasPrefix("my.yaml:3: ") == true)
    #expect(error?.description.hasSuffix("must be \(expected)") == true)
  }

  @Test("what is no YAML, or no mapping, is an error that names the file")
  func notYAML() {
    for yaml in ["a: [1", "- 1\n- 2", "just words"] {
      let error = #expect(throws: TrainingError.self) { try Recipe(yaml: yaml, source: "my.yaml") }
      #expect(error?.description.hasPrefix("my.yaml: ") == true)
    }
  }

  @Test(
    "an impossible value is an error",
    arguments: [
      "heads=3", "width=0", "context=0", "layers=-1", "key_value_heads=3", "key_value_heads=2",
      "rate=0", "rate=-1", "final_rate=1", "dropout=1", "beta1=1", "batch=0", "accumulate=0",
      "vocabulary=4294967296", "vocabulary=0", "steps=0", "warmup=-1", "training_share=0",
      "training_share=1.5", "clip=-1", "width=2147483644", "tokenizer=bpe", "epsilon=0",
      "tie_embeddings=false",
    ])
  func impossible(setting: String) {
    let error = #expect(throws: TrainingError.self) { try Recipe().applying(set: [setting]) }
    #expect(error?.exitCode == 65)
    guard case .impossible? = error else {
      Issue.record("\(setting): \(String(describing: error))")
      return
    }
  }

  @Test("heads that do not divide the width are told which widths would do")
  func advice() {
    let error = #expect(throws: TrainingError.self) {
      try Recipe().applying(set: ["heads=3", "width=128"])
    }
    #expect(
      error?.description
        == "recipe: heads 3 do not divide the width 128; set width to 126 or 129, or other heads")
  }

  @Test("a vocabulary smaller than the tokenizer's is an error")
  func vocabulary() throws {
    #expect(try Recipe().vocabularySize(tokenizerHas: 65) == 65)
    let recipe = try Recipe().applying(set: ["vocabulary=128"])
    #expect(try recipe.vocabularySize(tokenizerHas: 65) == 128)
    #expect(throws: TrainingError.self) { try recipe.vocabularySize(tokenizerHas: 129) }
  }

  @Test("a name that is neither built in nor a file lists the built-in ones")
  func missing() {
    let error = #expect(throws: TrainingError.self) { try Recipe(named: "shakespear") }
    #expect(error?.description.contains("shakespeare-char") == true)
    #expect(error?.exitCode == 66)
  }

  @Test("a file's path is a recipe")
  func file() throws {
    let folder = try TemporaryFolder()
    let url = try folder.file("my.yaml", "layers: 2\n")
    #expect(try Recipe(named: url.path).layers == 2)
  }

  @Test("any depth gives a sound recipe that grows with it", arguments: 1...12)
  func depth(_ depth: Int) throws {
    let recipe = try Recipe.derived(depth: depth)
    #expect(recipe.width == 64 * depth && recipe.headWidth == 64)
    let tokens = recipe.steps * recipe.tokensPerStep
    let parameters = recipe.parameters(vocabulary: recipe.vocabulary!)
    #expect(tokens >= 12 * parameters && tokens < 12 * parameters + recipe.tokensPerStep)
    #expect(throws: TrainingError.self) { try Recipe.derived(depth: 0) }
  }

  @Test("the parts of a step are accumulated batches, one after another")
  func microBatches() throws {
    let recipe = try Recipe().applying(set: ["batch=4", "accumulate=3"])
    #expect(recipe.microBatches == [0..<4, 4..<8, 8..<12])
    #expect(recipe.samplesPerStep == 12)
  }
}
