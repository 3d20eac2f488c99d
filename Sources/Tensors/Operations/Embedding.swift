/// Rows `ids` of `table` [vocabulary, width], times `scale`; shape ids.shape + [width].
public func embedding(_ table: Tensor, _ ids: Tensor, scale: Float = 1) -> Tensor {
  let vocabulary = table.shape[0]
  precondition(
    ids.integers.allSatisfy { $0 >= 0 && $0 < vocabulary },
    "a token id outside the embedding of \(vocabulary) rows")
  guard table.elementType == .float32 else {
    return Kernels.storedRows(table, ids.contiguous(), scale: scale)
  }
  let (table, ids) = (table.contiguous(), ids.contiguous())
  return Kernels.gather(table, ids, scale: scale).recorded(from: table) { dy in
    guard let gradient = table.node?.gradientToAddTo() else { return }
    Kernels.scatterAdd(dy.contiguous(), ids, scale: scale, into: gradient)
  }
}

/// Cosines and sines of the angles position · frequency for rotary positions.
public struct RotaryTable: Sendable {
  /// How the pairs that turn together lie in a head.
  public enum Layout: String, Codable, Sendable {
    /// (i, i + width/2): Llama in Hugging Face layout, GPT-NeoX.
    case halves
    /// (2i, 2i + 1): the paper's, GPT-J, original Llama.
    case interleaved
  }

  public let layout: Layout
  /// [positions, rotaryWidth / 2]
  let cosines, sines: Tensor

  /// Angles p · frequency for positions 0 ..< `positions`; cosines and sines times `factor`.
  public init(frequencies: [Double], positions: Int, layout: Layout, factor: Double = 1) {
    self.layout = layout
    var (cosines, sines): ([Float], [Float]) = ([], [])
    cosines.reserveCapacity(positions * frequencies.count)
    sines.reserveCapacity(positions * frequencies.count)
    for position in 0..<positions {
      for frequency in frequencies {
        // Angles are rounded to f32 first, as the reference implementations do.
        let angle = Double(Float(position) * Float(frequency))
        cosines.append(Float(factor * angle.cosine))
        sines.append(Float(factor * angle.sine))
      }
    }
    self.cosines = Tensor(cosines, shape: [positions, frequencies.count])
    self.sines = Tensor(sines, shape: [positions, frequencies.count])
  }

  /// Positions that the table covers.
  public var positions: Int { cosines.shape[0] }
}

/// Rotary positions (Su et al. 2021, arXiv 2104.09864) of x [batch, time, heads, headWidth];
/// `positions` int32 [batch · time], each within the table.
public func rotary(_ x: Tensor, _ table: RotaryTable, positions: Tensor) -> Tensor {
  precondition(x.rank == 4, "rotary positions need [batch, time, heads, width], not \(x.shape)")
  let x = x.strides[3] == 1 ? x : x.contiguous()
  return Kernels.rotary(x.detached, table, positions: positions, inverse: false)
    .recorded(from: x) { dy in
      x.node?.accumulate(
        Kernels.rotary(dy.contiguous(), table, positions: positions, inverse: true))
    }
}
