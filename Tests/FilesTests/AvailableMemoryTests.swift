import Foundation
import Testing

@testable import PrimerFiles

@Suite struct AvailableMemoryTests {
  private let root = FileManager.default.temporaryDirectory.appending(
    path: "groups-\(UUID().uuidString)")

  private func write(_ limit: String, _ path: String) throws {
    let file = root.appending(path: path)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("\(limit)\n".utf8).write(to: file)
  }

  @Test func leastLimitOfAGroupAndThoseAboveIt() throws {
    defer { try? FileManager.default.removeItem(at: root) }
    try write("max", "outer/inner/memory.max")
    try write("3000", "outer/memory.max")
    try write("9000", "memory/one/two/memory.limit_in_bytes")
    try write("2000", "memory/one/memory.limit_in_bytes")
    func allowed(_ groups: String...) -> Int? { AvailableMemory.allowed(by: groups, under: root) }
    #expect(allowed("0::/outer/inner") == 3000)
    #expect(allowed("5:cpu:/x", "4:memory:/one/two") == 2000)
    #expect(allowed("4:hugetlb,memory:/one/two", "0::/outer") == 2000)
    #expect(allowed("0::/outer/inner:with:colons") == 3000)
    #expect(allowed("0::/") == nil)
    #expect(allowed("5:cpu:/one", "nonsense", "") == nil)
  }

  @Test func thisProcessMayFillSomething() {
    #expect(AvailableMemory.byteCount > 1 << 20)
    #expect(AvailableMemory.byteCount <= Int(ProcessInfo.processInfo.physicalMemory))
  }
}
