/// Rows of tokens and what should follow each, all [rows, context], flat.
public struct TokenBatch: Sendable, Equatable {
  /// A target that does not count.
  public static let ignored: Int32 = -1

  public let rows: Int
  public let context: Int
  public package(set) var inputs: [Int32] = []
  /// The token after each input; `ignored` where the loss shall not look.
  public package(set) var targets: [Int32] = []
  /// Numbers from 0 in each row, another for each document, where rows hold several documents that
  /// must not see each other; nil where they may.
  public package(set) var segments: [Int32]?
  /// The position of each input, where it is not simply its place in the row.
  public package(set) var positions: [Int32]?

  package init(rows: Int, context: Int) {
    self.rows = rows
    self.context = context
    inputs.reserveCapacity(rows * context)
    targets.reserveCapacity(rows * context)
  }

  /// By how much a summed loss is divided: the targets that count.
  public var targetCount: Int { targets.count { $0 != Self.ignored } }

  mutating func append(_ file: TokenFile, window start: Int) {
    file.append(start..<start + context, to: &inputs)
    file.append(start + 1..<start + context + 1, to: &targets)
  }
}

/// Batches for training, each a pure function of the step: so a run resumes by its step number
/// alone, and however a batch is cut into micro-batches, or dealt to machines, its samples stay the
/// same.
public protocol BatchSource: Sendable {
  var context: Int { get }
  /// Samples of the batch of a step (counted from 0) by their numbers within that batch.
  func batch(step: Int, samples: Range<Int>) -> TokenBatch
}
