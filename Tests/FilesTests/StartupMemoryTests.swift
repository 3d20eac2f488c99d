import Foundation
import TestSupport
import Testing

@testable import PrimerFiles

// One after another: what is given back is the whole process's, beginnings of other tests' files too.
@Suite("Memory of the start", .serialized)
struct StartupMemoryTests {
  @Test("only files mapped to be run, their beginnings and constants are given back")
  func codeRanges() {
    let maps = """
      55d0a000-55d0b000 r--p 00000000 08:01 17 /usr/bin/primer
      55d0b000-55d0f000 r-xp 00001000 08:01 17 /usr/bin/primer
      55d0f000-55d10000 r--p 00005000 08:01 17 /usr/bin/primer
      55d10000-55d11000 rw-p 00003000 08:01 17 /usr/bin/primer
      7f00a000-7f00c000 r-xp 00000000 00:00 0
      7f10c000-7f20c000 r-xp 00001000 08:01 99                         /usr/lib/a library.so
      7f20c000-7f21c000 r--p 00101000 08:01 99                         /usr/lib/a library.so
      7f21c000-7f21d000 r--p 00111000 08:01 99                         /usr/lib/a library.so
      7f21d000-7f21e000 rw-p 00112000 08:01 99                         /usr/lib/a library.so
      7fff0000-7fff2000 r-xp 00000000 00:00 0                          [vdso]
      nonsense
      """
    #expect(
      StartupMemory.codeRanges(Array(maps.utf8)) == [
        0x55d0_a000..<0x55d0_b000, 0x55d0_b000..<0x55d0_f000, 0x7f10_c000..<0x7f20_c000,
        0x7f20_c000..<0x7f21_c000,
      ])
  }

  #if os(Linux)
    /// KiB of `file` in this process's memory.
    private func resident(_ file: URL) throws -> Int {
      let lines = String(decoding: StartupMemory.contents("/proc/self/smaps"), as: UTF8.self)
        .split(separator: "\n").drop { !$0.hasSuffix(file.path) }
      let line = try #require(lines.first { $0.hasPrefix("Rss:") })
      return try #require(Int(line.filter(\.isNumber)))
    }

    @Test("pages of code leave the process and come back as they were")
    func release() throws {
      let folder = try TemporaryFolder()
      let file = try folder.file("code", (0..<1 << 18).map { UInt8(truncatingIfNeeded: $0 >> 12) })
      let descriptor = open(file.path, O_RDONLY)
      defer { close(descriptor) }
      let base = mmap(nil, 1 << 18, PROT_READ | PROT_EXEC, MAP_PRIVATE, descriptor, 0)!
      defer { munmap(base, 1 << 18) }
      func sum() -> Int {
        stride(from: 0, to: 1 << 18, by: 4096).reduce(0) {
          $0 + Int(base.load(fromByteOffset: $1, as: UInt8.self))
        }
      }
      let before = sum()
      #expect(try resident(file) == 256)
      StartupMemory.release()
      #expect(try resident(file) == 0)
      #expect(sum() == before)
    }

    @Test("parts of a mapped file that are forgotten are read again as they were")
    func forgotten() throws {
      let folder = try TemporaryFolder()
      let url = try folder.file("a", (0..<1 << 18).map { UInt8(truncatingIfNeeded: $0 >> 12) })
      let file = try MappedFile(url)
      func sum() -> Int { file.withBytes { $0.reduce(0) { $0 + Int($1) } } }
      let before = sum()
      #expect(try resident(url) == 256)
      file.forget(100..<200_000)
      // Whole pages within the range.
      #expect(try resident(url) == 256 - 4 * (200_000 / 4096 - 1))
      #expect(sum() == before)
    }
  #endif
}
