internal import Foundation

/// How much memory this process may still fill.
package enum AvailableMemory {
  /// What the system has left, but no more than the control groups of the process allow.
  package static var byteCount: Int {
    let left = lines("/proc/meminfo").first { $0.hasPrefix("MemAvailable:") }
      .flatMap { Int($0.filter(\.isNumber)) }.map { $0 * 1024 }
    let groups = allowed(by: lines("/proc/self/cgroup"), under: URL(filePath: "/sys/fs/cgroup"))
    return min(left ?? Int(clamping: ProcessInfo.processInfo.physicalMemory), groups ?? .max)
  }

  /// The least limit of the groups that lines of /proc/self/cgroup name and of all above them: version 2
  /// (memory.max) and 1 (memory.limit_in_bytes); nil: none.
  static func allowed(by groups: [String], under root: URL) -> Int? {
    var limits: [Int] = []
    for group in groups {
      let parts = group.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isSecond = parts[1].isEmpty
      guard isSecond || parts[1].split(separator: ",").contains("memory") else { continue }
      let base = isSecond ? root : root.appending(path: "memory")
      let names = parts[2].split(separator: "/")
      for depth in 0...names.count {
        let folder = names.prefix(depth).reduce(base) { $0.appending(path: String($1)) }
        let file = folder.appending(path: isSecond ? "memory.max" : "memory.limit_in_bytes")
        if let limit = lines(file.path).first.flatMap({ Int($0) }) { limits.append(limit) }
      }
    }
    return limits.min()
  }

  private static func lines(_ path: String) -> [String] {
    ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n").map(
      String.init)
  }
}
