public import PrimerTensors
internal import Synchronization

/// Rotary positions of a model: one table for all layers that share it, as long as the furthest
/// position met so far.
public struct RotaryPositions: Sendable {
  private final class Grown: Sendable {
    let table: Mutex<RotaryTable>
    init(_ table: RotaryTable) { self.table = Mutex(table) }
  }

  private let frequencies: [Double]
  private let layout: RotaryTable.Layout
  private let attentionFactor: Double
  private let positions: Int
  private let grown: Grown

  /// Frequencies base^(-2i/width) for pairs i.
  public init(
    base: Double, width: Int, positions: Int, layout: RotaryTable.Layout = .halves
  ) {
    self.init(
      frequencies: Self.frequencies(base: base, width: width), positions: positions,
      layout: layout)
  }

  /// - Parameters:
  ///   - frequencies: angle a position, for each pair that turns; the rest of a head is left as it is.
  ///   - positions: the model's context.
  ///   - attentionFactor: multiplies cosines and sines (YaRN, LongRoPE).
  public init(
    frequencies: [Double], positions: Int, layout: RotaryTable.Layout = .halves,
    attentionFactor: Double = 1
  ) {
    self.frequencies = frequencies
    self.layout = layout
    self.attentionFactor = attentionFactor
    self.positions = positions
    grown = Grown(
      RotaryTable(
        frequencies: frequencies, positions: min(positions, 512), layout: layout,
        factor: attentionFactor))
  }

  /// base^(-2i/width) for pairs i.
  public static func frequencies(base: Double, width: Int) -> [Double] {
    (0..<width / 2).map { power(base, -Double(2 * $0) / Double(width)) }
  }

  /// Turns x [batch, time, heads, width] by its tokens' positions.
  public func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
    let furthest: Int
    if let cached = pass.cached {
      furthest = cached.rows.furthest
    } else {
      furthest = x.shape[1] - 1
    }
    return rotary(
      x, table(reaching: furthest),
      positions: pass.positions(batch: x.shape[0], time: x.shape[1]))
  }

  private func table(reaching position: Int) -> RotaryTable {
    precondition(position < positions, "position \(position) in a context of \(positions)")
    return grown.table.withLock { table in
      if table.positions <= position {
        var length = table.positions
        while length <= position { length *= 2 }
        table = RotaryTable(
          frequencies: frequencies, positions: min(length, positions), layout: layout,
          factor: attentionFactor)
      }
      return table
    }
  }
}
