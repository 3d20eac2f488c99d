import Foundation

/// The figures of a run, under the names that `primer pretrain --json` prints.
public struct RunSummary: Codable, Sendable, Equatable {
  public var steps: Int
  /// Nats a token.
  public var trainLoss: Double?
  /// Nats a token, over the whole validation text.
  public var validationLoss: Double?
  public var bitsPerByte: Double?
  /// Tokens learnt from.
  public var tokens: Int
  public var tokensPerSecond: Double
  public var seconds: Double
  public var peakMemoryBytes: Int
  /// Share of the machine's peak arithmetic, 0 to 1.
  public var flopsUtilisation: Double?

  public init(
    steps: Int, trainLoss: Double?, validationLoss: Double?, bitsPerByte: Double? = nil,
    tokens: Int, tokensPerSecond: Double, seconds: Double,
    peakMemoryBytes: Int = RunSummary.peakMemoryBytes, flopsUtilisation: Double? = nil
  ) {
    self.steps = steps
    self.trainLoss = trainLoss
    self.validationLoss = validationLoss
    self.bitsPerByte = bitsPerByte
    self.tokens = tokens
    self.tokensPerSecond = tokensPerSecond
    self.seconds = seconds
    self.peakMemoryBytes = peakMemoryBytes
    self.flopsUtilisation = flopsUtilisation
  }

  enum CodingKeys: String, CodingKey {
    case steps, tokens, seconds
    case trainLoss = "train_loss"
    case validationLoss = "validation_loss"
    case bitsPerByte = "bits_per_byte"
    case tokensPerSecond = "tokens_per_second"
    case peakMemoryBytes = "peak_memory_bytes"
    case flopsUtilisation = "flops_utilisation"
  }

  /// The most memory that this process has had at once.
  public static var peakMemoryBytes: Int {
    var usage = rusage()
    getrusage(0, &usage)  // RUSAGE_SELF, whose Swift type differs by platform
    #if os(Linux)
      return usage.ru_maxrss * 1024
    #else
      return usage.ru_maxrss
    #endif
  }
}
