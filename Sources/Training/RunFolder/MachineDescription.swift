import Foundation

/// The machine that a run runs on, for its report.
public struct MachineDescription: Sendable, Equatable {
  public var processor: String
  public var processorCount: Int
  public var memoryBytes: UInt64
  public var operatingSystem: String

  public init(
    processor: String, processorCount: Int, memoryBytes: UInt64, operatingSystem: String
  ) {
    self.processor = processor
    self.processorCount = processorCount
    self.memoryBytes = memoryBytes
    self.operatingSystem = operatingSystem
  }

  public static var current: MachineDescription {
    let information = ProcessInfo.processInfo
    return MachineDescription(
      processor: processorName() ?? "unknown processor",
      processorCount: information.activeProcessorCount,
      memoryBytes: information.physicalMemory,
      operatingSystem: information.operatingSystemVersionString)
  }

  private static func processorName() -> String? {
    #if os(Linux)
      guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else {
        return nil
      }
      return text.split(separator: "\n").first { $0.hasPrefix("model name") }?
        .split(separator: ":", maxSplits: 1).last?.trimmingCharacters(in: .whitespaces)
    #else
      var size = 0
      guard sysctlbyname("machdep.cpu.brand_string", nil, &size, nil, 0) == 0 else { return nil }
      var name = [UInt8](repeating: 0, count: size)
      guard sysctlbyname("machdep.cpu.brand_string", &name, &size, nil, 0) == 0 else { return nil }
      return String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
    #endif
  }
}
