public import PrimerTensors

/// A feed-forward layer of many experts, of which each token asks a few (Shazeer et al. 2017, arXiv
/// 1701.06538; Fedus et al. 2021, arXiv 2101.03961): Σ probability(e) · expert(e, x) over the likeliest.
public struct MixtureOfExperts: Sendable {
  private let router: Linear
  private let gate, up, down: Parameter
  private let activation: Activation
  private let settings: Settings

  public struct Settings: Sendable, Equatable {
    /// Experts, and how many of them a token asks.
    public var experts, chosen: Int
    /// Inside an expert.
    public var hiddenWidth: Int
    /// Whether the probabilities of those asked are made to sum to 1.
    public var normalises: Bool

    public init(experts: Int, chosen: Int, hiddenWidth: Int, normalises: Bool) {
      self.experts = experts
      self.chosen = chosen
      self.hiddenWidth = hiddenWidth
      self.normalises = normalises
    }
  }

  /// The weights of all experts are one parameter each: gate and up [experts, hiddenWidth, width], down
  /// [experts, width, hiddenWidth].
  public init(_ shape: DecoderShape, _ settings: Settings, _ parameters: ParameterScope) {
    let (width, hidden) = (shape.width, settings.hiddenWidth)
    router = Linear(width, settings.experts, parameters["gate"])
    func stacked(_ name: String, _ outputs: Int, _ inputs: Int, _ deviation: Float) -> Parameter {
      parameters["experts"][name]["weight"].parameter(
        [settings.experts, outputs, inputs], .normal(deviation), .matrix)
    }
    gate = stacked("gate_proj", hidden, width, 0.02)
    up = stacked("up_proj", hidden, width, 0.02)
    down = stacked("down_proj", width, hidden, shape.outputDeviation)
    activation = shape.activation
    self.settings = settings
  }

  /// x [batch, time, width]; the same shape. A row's bits depend on that row alone: its experts are
  /// added in the order of their numbers.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let rows = x.reshaped([-1, x.shape[x.rank - 1]])
    let probabilities = softmax(router(rows))
    let plan = Plan(probabilities, chosen: settings.chosen)
    let answers = Tensor.concatenated(
      plan.rowsOfExpert.enumerated().filter { !$0.element.isEmpty }.map { expert, members in
        answer(of: expert, to: embedding(rows, Tensor(members, shape: [members.count])))
      }, axis: 0)
    let flat = probabilities.reshaped([-1, 1])
    let weights = plan.probabilityIndices.map { embedding(flat, $0) }
    let total = settings.normalises ? weights.dropFirst().reduce(weights[0], +) : nil
    let parts = zip(plan.answerIndices, weights).map { index, weight in
      embedding(answers, index) * (total.map { weight / $0 } ?? weight)
    }
    return parts.dropFirst().reduce(parts[0], +).reshaped(x.shape)
  }

  private func answer(of expert: Int, to x: Tensor) -> Tensor {
    func weight(_ stacked: Parameter) -> Tensor {
      stacked.tensor.sliced(axis: 0, expert..<expert + 1)
        .reshaped([stacked.shape[1], stacked.shape[2]])
    }
    return gatedFeedForward(
      x, activation, gate: (weight(gate), nil), up: (weight(up), nil), down: (weight(down), nil))
  }
}

/// Experts in place of a block's feed-forward layer.
public struct ExpertLayer: ResidualLayer {
  private let experts: MixtureOfExperts
  private let number: Int

  /// - Parameter number: the layer, from 0.
  public init(
    _ shape: DecoderShape, _ number: Int, _ settings: MixtureOfExperts.Settings,
    _ parameters: ParameterScope
  ) {
    experts = MixtureOfExperts(shape, settings, parameters)
    self.number = number
  }

  public func callAsFunction(
    _ x: Tensor, norm: RMSNorm?, adding residual: Tensor, _ pass: ForwardPass
  ) -> Tensor {
    dropout(experts(norm?(x) ?? x), pass.dropout, layer: 3 * number + 3, adding: residual)
  }
}

/// Who asks whom.
private struct Plan {
  /// Rows that ask each expert, ascending.
  private(set) var rowsOfExpert: [[Int32]]
  /// For each of a row's experts, by their numbers ascending: where its probability lies in [rows ·
  /// experts], and its answer among all answers, those of the first expert first; int32 [rows].
  let probabilityIndices, answerIndices: [Tensor]

  init(_ probabilities: Tensor, chosen: Int) {
    let (rows, experts) = (probabilities.shape[0], probabilities.shape[1])
    let values = probabilities.detached.scalars
    var rowsOfExpert = [[Int32]](repeating: [], count: experts)
    var choices: [[Int]] = []
    choices.reserveCapacity(rows)
    for row in 0..<rows {
      let own = values[row * experts..<(row + 1) * experts]
      // The likeliest; of equal ones the first.
      let order = own.indices.sorted { (own[$0], $1) > (own[$1], $0) }
      let experts = order.prefix(chosen).map { $0 - own.startIndex }.sorted()
      for expert in experts { rowsOfExpert[expert].append(Int32(row)) }
      choices.append(experts)
    }
    var next: [Int32] = []
    var start: Int32 = 0
    for members in rowsOfExpert {
      next.append(start)
      start += Int32(members.count)
    }
    var probability = [[Int32]](repeating: [], count: chosen)
    var answer = [[Int32]](repeating: [], count: chosen)
    for (row, choice) in choices.enumerated() {
      for (place, expert) in choice.enumerated() {
        probability[place].append(Int32(row * experts + expert))
        answer[place].append(next[expert])
        next[expert] += 1
      }
    }
    self.rowsOfExpert = rowsOfExpert
    probabilityIndices = probability.map { Tensor($0, shape: [rows]) }
    answerIndices = answer.map { Tensor($0, shape: [rows]) }
  }
}
