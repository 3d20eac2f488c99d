import PrimerDatasets
import PrimerLayers
import PrimerModels
import PrimerTensors
import PrimerTraining
import Testing

@Suite("A step that is not a number")
struct SkippedStepTests {
  private struct Ramp: BatchSource {
    let context = 8
    func batch(step: Int, samples: Range<Int>) -> TokenBatch {
      var batch = TokenBatch(rows: samples.count, context: context)
      for sample in samples {
        batch.inputs += (0..<8).map { Int32(($0 + sample) % 9) }
        batch.targets += (1..<9).map { Int32(($0 + sample) % 9) }
      }
      return batch
    }
  }

  @Test("leaves weights, moments and the count of updates as they are, and the next one goes on")
  func skipped() throws {
    var recipe = Recipe()
    (recipe.layers, recipe.heads, recipe.width, recipe.context) = (1, 2, 16, 8)
    (recipe.batch, recipe.warmup) = (2, 0)
    let model = try recipe.model(vocabulary: 9, ParameterScope(seed: 1))
    let step = TrainingStep(model, recipe)
    #expect(step(0, Ramp()).isApplied)
    let spoilt = model.parameters[0]
    let good = spoilt.value
    spoilt.replace(with: Tensor(repeating: .infinity, shape: spoilt.shape))
    let others = model.parameters.dropFirst().map(\.value.scalars)
    let moments = step.optimiser.state.map(\.tensor.scalars)
    let result = step(1, Ramp())
    #expect(!result.isApplied)
    #expect(model.parameters.dropFirst().map(\.value.scalars) == others)
    #expect(step.optimiser.state.map(\.tensor.scalars) == moments)
    #expect(step.optimiser.updates == 1)
    #expect(model.parameters.allSatisfy { $0.gradient == nil })
    spoilt.replace(with: good)
    #expect(step(2, Ramp()).isApplied)
    #expect(step.optimiser.updates == 2)
  }
}
