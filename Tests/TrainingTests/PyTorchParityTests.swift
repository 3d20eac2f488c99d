import Foundation
import PrimerDatasets
import PrimerLayers
import PrimerModels
import PrimerTensors
import PrimerTraining
import TestSupport
import Testing

/// A small run of `Tests/Goldens/training`: PyTorch's weights, windows and losses.
private struct GoldenRun {
  private struct File: Decodable {
    let settings: [String]
    let losses: [Double]
  }

  let recipe: Recipe
  let data: PretrainingData
  let losses: [Double]
  private let weights: URL
  private let folder: TemporaryFolder

  init(_ family: String) throws {
    folder = try TemporaryFolder()
    weights = Goldens.file("training/\(family)")
    let file: File = try Goldens.decoded("training/\(family)/losses.json")
    losses = file.losses
    recipe = try Recipe(named: "shakespeare-char").applying(set: file.settings)
    data = try PretrainingData(
      recipe, TextFiles([Goldens.file("training/text.txt")]), tokenizer: nil, cache: folder.url,
      windowStarts: weights.appending(path: "starts.jsonl"), threads: 1)
  }

  /// The losses of training by `recipe` from PyTorch's weights.
  func train(_ recipe: Recipe) throws -> [Double] {
    let step = TrainingStep(try recipe.model(data.tokenizer, from: weights), recipe)
    return (0..<recipe.steps).map { step($0, data.source).loss }
  }
}

@Suite("Training equals PyTorch's")
struct PyTorchParityTests {
  @Test(
    "20 steps from the same weights on the same windows have the same losses within 1e-5",
    arguments: ["gpt2", "llama"])
  func losses(family: String) throws {
    let run = try GoldenRun(family)
    let losses = try run.train(run.recipe)
    #expect(losses.count == 20)
    for (step, (ours, theirs)) in zip(losses, run.losses).enumerated() {
      #expect(abs(ours - theirs) < 1e-5, "step \(step)")
    }
    #expect(losses.last! < losses.first! - 0.3)
  }

  @Test(
    "20 steps do not depend on how the batch is cut, within a relative 1e-5",
    arguments: ["gpt2", "llama"], [0, 0.2])
  func microBatches(family: String, dropout: Double) throws {
    let run = try GoldenRun(family)
    var recipe = run.recipe
    recipe.dropout = dropout
    let whole = try run.train(recipe)
    for (batch, accumulate) in [(6, 2), (3, 4), (1, 12)] {
      (recipe.batch, recipe.accumulate) = (batch, accumulate)
      for (step, (loss, expected)) in zip(try run.train(recipe), whole).enumerated() {
        #expect(
          abs(loss - expected) <= 1e-5 * expected, "step \(step), \(batch) x \(accumulate)")
      }
    }
    if dropout > 0 { #expect(abs(whole[0] - run.losses[0]) > 1e-4, "dropout is felt") }
  }

  @Test(
    "computing blocks again and the number of threads change no bit", arguments: ["gpt2", "llama"])
  func sameBits(family: String) throws {
    let run = try GoldenRun(family)
    var recipe = run.recipe
    recipe.dropout = 0.1
    let expected = try run.train(recipe)
    let alone = try ComputePool.$current.withValue(ComputePool(threads: 1)) {
      try run.train(recipe)
    }
    #expect(alone == expected)
    recipe.recompute = true
    #expect(try run.train(recipe) == expected)
  }
}

@Suite("A recipe counts the weights of its model")
struct RecipeSizeTests {
  @Test(
    "for both families, tied and untied, grouped heads",
    arguments: [
      ["family=gpt2"], ["family=gpt2", "hidden_width=100", "context=9"],
      ["family=llama", "activation=silu"],
      ["family=llama", "activation=silu", "tie_embeddings=false", "key_value_heads=2"],
      ["family=llama", "activation=silu", "hidden_width=72", "key_value_heads=1"],
    ])
  func count(settings: [String]) throws {
    let recipe = try Recipe(named: "shakespeare-char")
      .applying(set: ["layers=3", "width=32"] + settings)
    let model = try recipe.model(vocabulary: 65, ParameterScope(seed: 1))
    #expect(recipe.parameters(vocabulary: 65) == model.parameterCount)
  }
}
