internal import Foundation

/// What this process has used so far.
package struct ProcessUsage: Sendable {
  /// The most memory held.
  package let peakMemoryBytes: Int
  package let pageFaults: Int

  package static var current: ProcessUsage {
    var usage = rusage()
    #if canImport(Glibc)
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    #else
      getrusage(RUSAGE_SELF, &usage)
    #endif
    #if os(Linux)
      let unit = 1024
    #else
      let unit = 1
    #endif
    return ProcessUsage(
      peakMemoryBytes: usage.ru_maxrss * unit, pageFaults: usage.ru_minflt + usage.ru_majflt)
  }
}
