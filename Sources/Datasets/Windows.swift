public import Foundation

/// nanoGPT's batches: windows that start anywhere, uniformly and independently, in a range of
/// tokens.
public struct RandomWindows: BatchSource {
  public let context: Int
  private let file: TokenFile
  private let range: Range<Int>
  private let seed: UInt64

  /// - Parameter range: `file.training` or `file.validation`; an error if it is shorter than a
  ///   window
  ///   of `context` and its target.
  public init(_ file: TokenFile, _ range: Range<Int>, context: Int, seed: UInt64) throws {
    try checkLength(range, context)
    self.file = file
    self.range = range
    self.context = context
    self.seed = seed
  }

  /// Where in the file a sample starts.
  public func start(step: Int, sample: Int) -> Int {
    let bits = SampleRandom.bits(seed, UInt64(step), UInt64(sample))
    return range.lowerBound + SampleRandom.below(range.count - context, bits)
  }

  public func batch(step: Int, samples: Range<Int>) -> TokenBatch {
    var batch = TokenBatch(rows: samples.count, context: context)
    for sample in samples { batch.append(file, window: start(step: step, sample: sample)) }
    return batch
  }
}

/// Batches whose windows start where a list says: to train on the very samples of another program.
public struct ExplicitWindows: BatchSource {
  public let context: Int
  /// Starts counted from the beginning of the range, a row a step.
  public let starts: [[Int]]
  private let file: TokenFile
  private let range: Range<Int>

  public init(_ file: TokenFile, _ range: Range<Int>, context: Int, starts: [[Int]]) throws {
    try checkLength(range, context)
    for (step, row) in starts.enumerated() {
      if let bad = row.first(where: { $0 < 0 || $0 + context >= range.count }) {
        throw DatasetError.startOutsideData(step: step, start: bad, tokens: range.count)
      }
    }
    self.file = file
    self.range = range
    self.context = context
    self.starts = starts
  }

  /// Reads the starts from a file with a JSON array of whole numbers a line, a line a step: for at
  /// least `steps` steps of at least `samples` samples.
  public init(
    _ file: TokenFile, _ range: Range<Int>, context: Int, listedIn url: URL, steps: Int = 0,
    samples: Int = 0
  ) throws {
    guard let text = try? String(contentsOf: url, encoding: .utf8) else {
      throw DatasetError.missing(url)
    }
    let starts = try text.split(separator: "\n").enumerated().map { number, line in
      do {
        return try JSONDecoder().decode([Int].self, from: Data(line.utf8))
      } catch {
        throw DatasetError.badLine(
          url, line: number + 1, reason: "not an array of whole numbers")
      }
    }
    guard starts.count >= steps, starts.prefix(steps).allSatisfy({ $0.count >= samples }) else {
      throw DatasetError.badLine(
        url, line: starts.prefix { $0.count >= samples }.count + 1,
        reason: "\(steps) lines of \(samples) window starts are needed")
    }
    try self.init(file, range, context: context, starts: starts)
  }

  public func batch(step: Int, samples: Range<Int>) -> TokenBatch {
    precondition(
      step < starts.count && samples.upperBound <= starts[step].count,
      "samples \(samples) of step \(step), listed are \(starts.count) steps")
    var batch = TokenBatch(rows: samples.count, context: context)
    for sample in samples { batch.append(file, window: range.lowerBound + starts[step][sample]) }
    return batch
  }
}

/// Windows one after another without overlap: every token of a range but the first is a target
/// once.
public struct SequentialWindows: Sendable {
  public enum Tail: Sendable {
    /// A last window that is not full is left out.
    case dropped
    /// It is filled up with token 0 and targets that do not count.
    case padded
  }

  public let context: Int
  /// Windows in all.
  public let count: Int
  /// Targets in all.
  public let targetCount: Int
  private let file: TokenFile
  private let range: Range<Int>

  public init(
    _ file: TokenFile, _ range: Range<Int>, context: Int, tail: Tail = .dropped
  ) throws {
    try checkLength(range, tail == .dropped ? context : 1)
    self.file = file
    self.range = range
    self.context = context
    let targets = range.count - 1
    count = tail == .dropped ? targets / context : (targets + context - 1) / context
    targetCount = tail == .dropped ? count * context : targets
  }

  /// The tokens that are targets, for bytes per token.
  public var targets: Range<Int> {
    range.lowerBound + 1..<range.lowerBound + 1 + targetCount
  }

  public func batch(_ windows: Range<Int>) -> TokenBatch {
    precondition(windows.lowerBound >= 0 && windows.upperBound <= count, "\(windows) of \(count)")
    var batch = TokenBatch(rows: windows.count, context: context)
    for window in windows {
      let start = range.lowerBound + window * context
      let full = min(context, range.upperBound - 1 - start)
      file.append(start..<start + full, to: &batch.inputs)
      file.append(start + 1..<start + full + 1, to: &batch.targets)
      batch.inputs.append(contentsOf: repeatElement(0, count: context - full))
      batch.targets.append(contentsOf: repeatElement(TokenBatch.ignored, count: context - full))
    }
    return batch
  }
}

func checkLength(_ range: Range<Int>, _ context: Int) throws {
  precondition(context > 0, "context \(context)")
  guard range.count > context else {
    throw DatasetError.tooShort(tokens: range.count, context: context)
  }
}
