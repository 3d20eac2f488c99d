internal import Foundation

/// How long a test may go on with random input: `PRIMER_FUZZ_SECONDS`, else just the rounds that every
/// run of the tests has.
public enum FuzzTime {
  private static var seconds: Double? {
    ProcessInfo.processInfo.environment["PRIMER_FUZZ_SECONDS"].flatMap(Double.init)
  }

  public static var deadline: ContinuousClock.Instant { .now + .seconds(seconds ?? 0) }

  /// `usual`, or another seed each time where there is time for more rounds than usual.
  public static func seed(_ usual: UInt64) -> UInt64 {
    seconds == nil ? usual : UInt64.random(in: 0 ... .max)
  }
}
