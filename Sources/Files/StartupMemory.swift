internal import Foundation

/// Memory that a program's start takes and its work does not.
public enum StartupMemory {
  /// Gives back what only the start needed: pages of the program and its libraries that will hardly run
  /// again (what does comes back from the page cache), and the heap's free blocks.
  public static func release() {
    #if os(Linux)
      let maps = contents("/proc/self/maps")
      for range in codeRanges(maps) {
        // These pages are never written, so nothing is lost.
        madvise(UnsafeMutableRawPointer(bitPattern: range.lowerBound), range.count, MADV_DONTNEED)
      }
      trimHeap()
    #endif
  }

  /// Calls glibc's `malloc_trim`, which Swift's modules do not declare; other C libraries have none.
  private static func trimHeap() {
    guard let symbol = dlsym(nil, "malloc_trim") else { return }
    typealias Trim = @convention(c) (Int) -> Int32
    _ = unsafeBitCast(symbol, to: Trim.self)(0)
  }

  /// Addresses of the files that are mapped to be run, `r-xp` in the kernel's list of mappings, and of the
  /// beginnings of files, where libraries keep the names of what they hold.
  static func codeRanges(_ maps: [UInt8]) -> [Range<UInt>] {
    maps.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let fields = line.split(separator: UInt8(ascii: " "))
      guard fields.count >= 6, fields[5].first == UInt8(ascii: "/") else { return nil }
      let isBeginning = fields[2].allSatisfy { $0 == UInt8(ascii: "0") }
      guard
        fields[1].elementsEqual("r-xp".utf8)
          || fields[1].elementsEqual("r--p".utf8) && isBeginning
      else { return nil }
      let ends = fields[0].split(separator: UInt8(ascii: "-")).map {
        UInt(String(decoding: $0, as: UTF8.self), radix: 16)
      }
      guard ends.count == 2, let start = ends[0], let end = ends[1], start < end else {
        return nil
      }
      return start..<end
    }
  }

  /// A file whose length the system does not tell.
  static func contents(_ path: String) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var result: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { return result }
      result += buffer[..<count]
    }
  }
}
