internal import Foundation

/// How long a test may go on damaging input: `PRIMER_FUZZ_SECONDS`, else just the rounds that every
/// run of the tests has.
public enum FuzzTime {
  public static var deadline: ContinuousClock.Instant {
    let seconds = ProcessInfo.processInfo.environment["PRIMER_FUZZ_SECONDS"].flatMap(Double.init)
    return .now + .seconds(seconds ?? 0)
  }
}
