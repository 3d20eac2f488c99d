public import PrimerTensors
internal import Synchronization

/// Rotary positions of a model: one table for all layers that share it, as long as the furthest
/// position met so far.
public struct RotaryPositions: Sendable {
  private final class Grown: Sendable {
    let frequencies: [Double]
    let table: Mutex<RotaryTable>

    init(_ frequencies: [Double], _ table: RotaryTable) {
      self.frequencies = frequencies
      self.table = Mutex(table)
    }
  }

  private let layout: RotaryTable.Layout
  private let attentionFactor: Double
  private let positions: Int
  /// Texts up to this length turn by `short`, longer ones by `long`.
  private let shortContext: Int
  private let short, long: Grown

  /// Frequencies base^(-2i/width) for pairs i.
  public init(
    base: Double, width: Int, positions: Int, layout: RotaryTable.Layout = .halves
  ) {
    self.init(RotarySettings(base: base, width: width), positions: positions, layout: layout)
  }

  /// - Parameter positions: the model's context.
  public init(
    _ settings: RotarySettings, positions: Int, layout: RotaryTable.Layout = .halves
  ) {
    self.layout = layout
    self.positions = positions
    attentionFactor = settings.attentionFactor
    shortContext = settings.shortContext
    let frequencies = settings.frequencies
    let factor = settings.attentionFactor
    func grown(_ frequencies: [Double]) -> Grown {
      Grown(
        frequencies,
        RotaryTable(
          frequencies: frequencies, positions: min(positions, 128), layout: layout,
          factor: factor))
    }
    short = grown(frequencies.short)
    long = frequencies.long == frequencies.short ? short : grown(frequencies.long)
  }

  /// base^(-2i/width) for pairs i.
  public static func frequencies(base: Double, width: Int) -> [Double] {
    (0..<width / 2).map { power(base, -Double(2 * $0) / Double(width)) }
  }

  /// Turns x [batch, time, heads, width] by its tokens' positions.
  public func callAsFunction(_ x: Tensor, _ pass: ForwardPass) -> Tensor {
    let time = x.shape[1]
    let furthest = pass.cached?.rows.furthest ?? time - 1
    let grown = pass.longestText(time: time) > shortContext ? long : short
    return rotary(
      x, table(grown, reaching: furthest), positions: pass.positions(batch: x.shape[0], time: time))
  }

  private func table(_ grown: Grown, reaching position: Int) -> RotaryTable {
    precondition(position < positions, "position \(position) in a context of \(positions)")
    return grown.table.withLock { table in
      if table.positions <= position {
        var length = table.positions
        while length <= position { length *= 2 }
        table = RotaryTable(
          frequencies: grown.frequencies, positions: min(length, positions), layout: layout,
          factor: attentionFactor)
      }
      return table
    }
  }
}
