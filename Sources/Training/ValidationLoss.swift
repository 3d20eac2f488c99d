package import PrimerDatasets
internal import PrimerLayers
package import PrimerModels
internal import PrimerTensors

/// How well a model predicts a text.
package struct ValidationLoss: Sendable, Equatable {
  /// Mean loss, nats a token.
  package let loss: Double
  package let tokens: Int

  /// Σ nats / (ln 2 · Σ bytes)
  package func bitsPerByte(bytesPerToken: Double) -> Double {
    loss / (bytesPerToken * 0.693_147_180_559_945_3)
  }

  /// Every window of `windows` once: the same figure every time.
  package static func full(
    _ model: any LanguageModel, _ windows: SequentialWindows, rows: Int
  ) -> ValidationLoss {
    mean(
      model,
      stride(from: 0, to: windows.count, by: rows).lazy.map {
        windows.batch($0..<min($0 + rows, windows.count))
      })
  }

  /// `batches` batches of `rows` random windows, as nanoGPT estimates.
  package static func sampled(
    _ model: any LanguageModel, _ source: any BatchSource, batches: Int, rows: Int
  ) -> ValidationLoss {
    mean(model, (0..<batches).lazy.map { source.batch(step: $0, samples: 0..<rows) })
  }

  private static func mean(
    _ model: any LanguageModel, _ batches: some Sequence<TokenBatch>
  ) -> ValidationLoss {
    var (sum, tokens) = (0.0, 0)
    for batch in batches {
      let shape = [batch.rows, batch.context]
      let count = batch.targetCount
      let mean = withoutGradients {
        model.loss(
          Tensor(batch.inputs, shape: shape), Tensor(batch.targets, shape: shape),
          scale: 1 / Float(max(1, count)))
      }
      sum += Double(mean.scalar) * Double(count)
      tokens += count
    }
    return ValidationLoss(loss: sum / Double(max(1, tokens)), tokens: tokens)
  }
}
