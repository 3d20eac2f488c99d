public import PrimerTensors

/// One layer of a model that adds to the residual stream x [batch, time, width].
public protocol ResidualBlock: Sendable {
  func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor
}

/// A model's blocks, one after another. Where weights are mapped and larger than memory, the next
/// block's pages, after the last the first's, are read while a block runs.
public struct BlockStack<Block: ResidualBlock>: Sendable {
  private let blocks: [Block]
  /// Of each block; empty where all fit into memory.
  private let weights: [[Parameter]]

  /// - Parameter parameters: the scope of the blocks, each at its number.
  /// - Throws: the first problem met while pulling parameters, before further blocks are made: how many
  ///   there are is what a file claims.
  public init(
    _ count: Int, _ parameters: ParameterScope, _ make: (Int, ParameterScope) -> Block
  ) throws {
    var weights: [[Parameter]] = []
    blocks = try (0..<count).map { number in
      let before = parameters.pulled.count
      let block = make(number, parameters[number])
      try parameters.check()
      if parameters.readsAhead { weights.append(Array(parameters.pulled[before...])) }
      return block
    }
    self.weights = weights
  }

  public func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
    var x = x
    for (number, block) in blocks.enumerated() {
      if !weights.isEmpty {
        let next = weights[(number + 1) % weights.count].map(\.value)
        PassRecording.perform { PageReader.shared.read(next) }
      }
      x = pass.recomputesBlocks ? checkpointed(x) { block($0, pass) } : block(x, pass)
    }
    return x
  }
}
