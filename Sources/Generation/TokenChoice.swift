internal import PrimerTensors

/// How likely a model thought a token.
public struct TokenLogProbability: Sendable, Equatable {
  public let token: Int32
  /// ln p in the model's own distribution: before temperature, penalties, cuts and constraints.
  public let logProbability: Float
}

/// A token that was chosen, and what else might have been.
public struct TokenChoice: Sendable, Equatable {
  public let token: Int32
  /// ln p in the model's own distribution: before temperature, penalties, cuts and constraints.
  public let logProbability: Float
  /// The likeliest tokens, likeliest first, as many as were asked for.
  public let top: [TokenLogProbability]
}

extension TokenChoice {
  /// What `logits` [vocabulary] say about `token` and the `alternatives` likeliest tokens.
  init(_ token: Int32, _ logits: Tensor, alternatives: Int) {
    let row = LogitRow(logSoftmax(logits.detached.contiguous()), nil)
    self.token = token
    logProbability = row.logits.withScalars { $0[Int(token)] }
    top = row.likeliest(alternatives).map {
      TokenLogProbability(token: $0.token, logProbability: $0.logit)
    }
  }
}
