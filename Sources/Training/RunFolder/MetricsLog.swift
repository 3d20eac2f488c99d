public import Foundation
import PrimerFiles
import Synchronization

/// A line of `metrics.jsonl`: what was measured at a step. Fields that were not are absent.
public struct MetricsEntry: Codable, Sendable, Equatable {
  /// Steps done.
  public var step: Int
  /// When, in seconds since 1970.
  public var time: Double
  /// Seconds of training so far, over all resumptions.
  public var seconds: Double?
  /// Of this step's batch, nats a token.
  public var trainLoss: Double?
  /// Nats a token.
  public var validationLoss: Double?
  public var bitsPerByte: Double?
  /// The learning rate.
  public var rate: Double?
  /// Before clipping.
  public var gradientNorm: Double?
  public var tokensPerSecond: Double?
  /// Share of the machine's peak arithmetic, 0 to 1.
  public var utilisation: Double?
  /// What the model wrote, prompt included.
  public var sample: String?

  public init(step: Int, time: Double = Date().timeIntervalSince1970) {
    self.step = step
    self.time = time
  }

  private enum CodingKeys: String, CodingKey {
    case step, time, seconds, rate, utilisation, sample
    case trainLoss = "train_loss"
    case validationLoss = "validation_loss"
    case bitsPerByte = "bits_per_byte"
    case gradientNorm = "gradient_norm"
    case tokensPerSecond = "tokens_per_second"
  }

  /// A line of JSON, keys sorted; what is not a number is written as "NaN" or "Infinity".
  var line: Data {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
      return try encoder.encode(self) + [UInt8(ascii: "\n")]
    }
  }

  init(line: some DataProtocol) throws {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(
      positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
    self = try decoder.decode(MetricsEntry.self, from: Data(line))
  }
}

/// `metrics.jsonl` of a run, appended to line by line, each handed to the system at once.
///
/// A resumed run does the evaluation at its checkpoint's step again: so it ends with the lines of a run
/// that was never interrupted, times aside.
public final class MetricsLog: Sendable {
  private let url: URL
  private let descriptor: Int32
  private let entries: Mutex<[MetricsEntry]>

  /// Opens the log of a run that goes on after `step` steps: later lines, the evaluation at that
  /// step, and a last line cut short are removed. 0: all are.
  public init(_ run: RunFolder, resumingAt step: Int) throws {
    url = run.file("metrics.jsonl")
    let kept = Self.read(url).filter { entry in
      entry.step < step || entry.step == step && entry.trainLoss != nil
    }
    try AtomicFile.write(kept.flatMap { try $0.line }, to: url)
    entries = Mutex(kept)
    descriptor = open(url.path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError.last(url, "open") }
  }

  deinit { close(descriptor) }

  /// All lines so far.
  public var all: [MetricsEntry] { entries.withLock { $0 } }

  public func append(_ entry: MetricsEntry) throws {
    let line = try entry.line
    try entries.withLock { entries in
      let written = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard written == line.count else { throw FileError.last(url, "write") }
      entries.append(entry)
    }
  }

  /// Waits until all lines are on the disk; before a checkpoint is saved.
  public func flush() throws {
    guard fsync(descriptor) == 0 else { throw FileError.last(url, "flush") }
  }

  /// The entries of a file, up to the first line that is none.
  public static func read(_ url: URL) -> [MetricsEntry] {
    guard let data = try? Data(contentsOf: url) else { return [] }
    var entries: [MetricsEntry] = []
    for line in data.split(separator: UInt8(ascii: "\n")) {
      guard let entry = try? MetricsEntry(line: line) else { break }
      entries.append(entry)
    }
    return entries
  }
}
