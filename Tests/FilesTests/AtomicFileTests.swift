import Foundation
import PrimerFiles
import TestSupport
import Testing

@Suite("Atomic file")
struct AtomicFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("writes all of it, in pieces, with a header put in last")
  func writes() throws {
    let url = folder.url.appending(path: "a")
    var file = try AtomicFile(url)
    let bytes = (0..<600_000).map { UInt8(truncatingIfNeeded: $0) }
    try file.append(bytes[..<3])
    try bytes[3..<400_000].withUnsafeBytes { try file.append($0) }
    try file.append(bytes[400_000...])
    try file.overwrite(at: 1, [9, 9])
    try file.append([7])
    #expect(!FileManager.default.fileExists(atPath: url.path), "nothing there before the end")
    try file.commit()
    #expect(try Array(Data(contentsOf: url)) == [0, 9, 9] + bytes[3...] + [7])
    #expect(try folder.contents == ["a"])
  }

  #if os(Linux)
    @Test("has no name before the end, so that a killed process leaves nothing")
    func nameless() throws {
      var file = try AtomicFile(folder.url.appending(path: "a"))
      try file.append([UInt8](repeating: 1, count: 1 << 20))
      #expect(try folder.contents == [])
      try file.commit()
      #expect(try folder.contents == ["a"])
    }
  #endif

  @Test("goes on after a short write and after an interrupted one")
  func shortWrites() throws {
    let url = folder.url.appending(path: "a")
    try AtomicFile.write(Array("hello".utf8), to: url) { descriptor, bytes, count in
      if Bool.random() {
        errno = EINTR
        return -1
      }
      return Foundation.write(descriptor, bytes, min(count, 2))
    }
    #expect(try String(contentsOf: url, encoding: .utf8) == "hello")
  }

  @Test("a full disk is an error that leaves the previous file and no temporary one")
  func fullDisk() throws {
    let url = try folder.file("a", "previous")
    let error = #expect(throws: FileError.self) {
      try AtomicFile.write([1, 2, 3], to: url) { _, _, _ in
        errno = ENOSPC
        return -1
      }
    }
    #expect(error?.description.contains("the disk is full") == true)
    #expect(error?.exitCode == 74)
    #expect(try String(contentsOf: url, encoding: .utf8) == "previous")
    #expect(try folder.contents == ["a"])
  }

  @Test("a folder that does not exist is an error that names the file")
  func noFolder() throws {
    let url = folder.url.appending(path: "absent/a")
    let error = #expect(throws: FileError.self) { try AtomicFile.write([1], to: url) }
    #expect(error?.description.contains(url.path) == true)
  }
}

@Suite("XXH64")
struct XXH64Tests {
  @Test(
    "equals the published values",
    arguments: [
      ("", 0xef46_db37_51d8_e999), ("a", 0xd24e_c4f1_a98c_6e5b), ("abc", 0x44bc_2cf5_ad77_0999),
      ("Nobody inspects the spammish repetition", 0xfbce_a83c_8a37_8bf1),
    ] as [(String, UInt64)])
  func values(text: String, digest: UInt64) {
    #expect(XXH64.digest(of: text.utf8) == digest)
  }

  @Test("does not depend on how the bytes come")
  func streaming() {
    let bytes = (0..<500).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    for step in [1, 3, 31, 32, 33, 64, 100] {
      var hash = XXH64()
      for start in stride(from: 0, to: 500, by: step) {
        hash.update(bytes[start..<min(500, start + step)])
      }
      #expect(hash.digest == XXH64.digest(of: bytes))
    }
  }
}
