public import PrimerTensors

/// A row of numbers for each token; weight [vocabulary, width].
public struct Embedding: Sendable {
  public let weight: Parameter

  public init(
    _ vocabulary: Int, _ width: Int, deviation: Float = 0.02, _ parameters: ParameterScope
  ) {
    weight = parameters["weight"].parameter([vocabulary, width], .normal(deviation), .embedding)
  }

  /// Rows of `ids` (int32, any shape); shape ids.shape + [width].
  public func callAsFunction(_ ids: Tensor, scale: Float = 1) -> Tensor {
    embedding(weight.tensor, ids, scale: scale)
  }
}
