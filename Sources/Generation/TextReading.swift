internal import PrimerLayers
internal import PrimerModels
internal import PrimerTensors
internal import PrimerTokenizers

/// What a model makes of a text that is there already.
extension TextGenerator {
  /// The mean of the last hidden states of `tokens` [width].
  public func embedding(_ tokens: [Int32]) throws -> [Float] {
    let tokens = try checked(tokens)
    return withoutGradients {
      let states = model.hidden(Tensor(tokens, shape: [1, tokens.count]), ForwardPass())
      let width = model.shape.width
      var sums = [Float](repeating: 0, count: width)
      states.contiguous().withScalars { scalars in
        for row in 0..<tokens.count {
          for column in 0..<width { sums[column] += scalars[row * width + column] }
        }
      }
      return sums.map { $0 / Float(tokens.count) }
    }
  }

  /// How likely each token of `tokens` but the first was, given those before it, and the `top`
  /// likeliest in its place.
  public func scores(_ tokens: [Int32], top: Int) throws -> [TokenChoice] {
    let tokens = try checked(tokens)
    return withoutGradients {
      let states = model.hidden(Tensor(tokens, shape: [1, tokens.count]), ForwardPass())
      return (1..<max(1, tokens.count)).map { position in
        // A row at a time: the logits of a whole context would be gigabytes.
        let row = states.sliced(axis: 1, position - 1..<position).contiguous().reshaped([1, -1])
        return TokenChoice(tokens[position], spelled(model.scores(row)), alternatives: top)
      }
    }
  }
}
