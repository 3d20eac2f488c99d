import ArgumentParser
import Foundation
import PrimerFiles

/// An amount of memory: "6GB", "512MB" or bytes.
struct MemorySize: ExpressibleByArgument, Equatable {
  let bytes: Int

  init?(argument: String) {
    let digits = argument.prefix { $0.isNumber || $0 == "." }
    let unit = argument.dropFirst(digits.count).trimmingPrefix(" ").uppercased()
    let sizes = ["": 1.0, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12]
    let powers = ["KIB": 10, "MIB": 20, "GIB": 30, "TIB": 40]
    guard let number = Double(digits), number > 0,
      let size = sizes[unit] ?? powers[unit].map({ Double(1 << $0) }), number * size < 1e18
    else { return nil }
    bytes = Int(number * size)
  }
}

/// Memory that a command is about to take.
enum MemoryNeed {
  /// - Throws: `CommandFailure` where this machine has no `bytes` left for what was asked for.
  static func check(_ bytes: Int, for what: String) throws {
    let available = AvailableMemory.byteCount
    guard bytes > available else { return }
    func gigabytes(_ bytes: Int) -> String { String(format: "%.1f GB", Double(bytes) / 1e9) }
    throw CommandFailure(
      exitStatus: .usage,
      description: """
        \(what) takes \(gigabytes(bytes)) of memory, and \(gigabytes(available)) are available; \
        ask for less
        """)
  }
}
