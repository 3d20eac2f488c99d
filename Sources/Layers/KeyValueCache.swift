public import PrimerTensors

/// Keys and values of the tokens that a model has read, for each layer, so that each new token
/// costs one row.
public final class KeyValueCache {
  /// Tokens read so far, the same for every layer between two forward passes.
  public private(set) var length = 0
  /// Sequences side by side.
  public private(set) var batch: Int
  /// The most tokens that fit.
  public let capacity: Int
  private var keys: [Tensor]
  private var values: [Tensor]

  public init(layers: Int, batch: Int, capacity: Int, keyValueHeads: Int, headWidth: Int) {
    self.batch = batch
    self.capacity = capacity
    let shape = [batch, capacity, keyValueHeads, headWidth]
    keys = (0..<layers).map { _ in Tensor(uninitialised: shape) }
    values = (0..<layers).map { _ in Tensor(uninitialised: shape) }
  }

  /// Stores `key` and `value` [batch, time, heads, width] behind what `layer` has, and gives all of
  /// it as views.
  public func append(_ key: Tensor, _ value: Tensor, layer: Int) -> (key: Tensor, value: Tensor) {
    let end = length + key.shape[1]
    precondition(
      end <= capacity, "\(end) tokens in a key-value cache of \(capacity)")
    keys[layer].sliced(axis: 1, length..<end).overwrite(with: key)
    values[layer].sliced(axis: 1, length..<end).overwrite(with: value)
    return (
      keys[layer].sliced(axis: 1, 0..<end), values[layer].sliced(axis: 1, 0..<end)
    )
  }

  /// Counts `time` tokens as read, once every layer has stored them.
  public func advance(by time: Int) { length += time }

  /// Forgets all but the first `length` tokens.
  public func truncate(to length: Int) { self.length = min(length, self.length) }

  /// Sequence i becomes a copy of what `rows[i]` was: beams that live on.
  public func select(_ rows: [Int]) {
    precondition(rows.allSatisfy { $0 >= 0 && $0 < batch }, "rows \(rows) of \(batch) sequences")
    guard rows != Array(0..<batch) else { return }
    keys = keys.map { selected($0, rows) }
    values = values.map { selected($0, rows) }
    batch = rows.count
  }

  private func selected(_ old: Tensor, _ rows: [Int]) -> Tensor {
    var shape = old.shape
    shape[0] = rows.count
    let fresh = Tensor(uninitialised: shape)
    for (index, row) in rows.enumerated() {
      fresh.sliced(axis: 0, index..<index + 1).sliced(axis: 1, 0..<length)
        .overwrite(with: old.sliced(axis: 0, row..<row + 1).sliced(axis: 1, 0..<length))
    }
    return fresh
  }
}
