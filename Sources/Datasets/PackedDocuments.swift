/// Documents joined by their end marks and cut into rows of `context` tokens without overlap, in
/// another random order each epoch. Tokens of different documents carry different segment numbers,
/// and the last token of a document has no target.
public struct PackedDocuments: BatchSource {
  public let context: Int
  /// Rows an epoch.
  public let rowCount: Int
  private let file: TokenFile
  private let range: Range<Int>
  private let batchSize: Int
  private let seed: UInt64
  private let restartsPositions: Bool

  /// - Parameters:
  ///   - batchSize: samples of a whole step, over all micro-batches: what a step consumes.
  ///   - restartsPositions: whether each document's positions count from 0.
  public init(
    _ file: TokenFile, _ range: Range<Int>, context: Int, batchSize: Int, seed: UInt64,
    restartsPositions: Bool = true
  ) throws {
    try checkLength(range, context)
    precondition(batchSize > 0, "batch size \(batchSize)")
    self.file = file
    self.range = range
    self.context = context
    self.batchSize = batchSize
    self.seed = seed
    self.restartsPositions = restartsPositions
    rowCount = (range.count - 1) / context
  }

  /// Which row of the data a sample is.
  public func row(step: Int, sample: Int) -> Int {
    let (epoch, place) = (step * batchSize + sample).quotientAndRemainder(dividingBy: rowCount)
    return SampleRandom.permute(
      place, of: rowCount, key: SampleRandom.bits(seed, UInt64(epoch)))
  }

  public func batch(step: Int, samples: Range<Int>) -> TokenBatch {
    var batch = TokenBatch(rows: samples.count, context: context)
    var segments: [Int32] = []
    var positions: [Int32] = []
    for sample in samples {
      let start = range.lowerBound + row(step: step, sample: sample) * context
      append(start, to: &batch, &segments, &positions)
    }
    batch.segments = segments
    if restartsPositions { batch.positions = positions }
    return batch
  }

  private func append(
    _ start: Int, to batch: inout TokenBatch, _ segments: inout [Int32],
    _ positions: inout [Int32]
  ) {
    let firstTarget = batch.targets.count
    batch.append(file, window: start)
    var number = file.document(containing: start)
    var end = file.document(number).upperBound
    var (segment, position): (Int32, Int32) = (0, 0)
    for token in start..<start + context {
      while token >= end {
        number += 1
        end = file.document(number).upperBound
        (segment, position) = (segment + 1, 0)
      }
      if token == end - 1 { batch.targets[firstTarget + token - start] = TokenBatch.ignored }
      segments.append(segment)
      positions.append(position)
      position += 1
    }
  }
}
