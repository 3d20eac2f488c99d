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

  /// Addresses of the files that are mapped to be run, `r-xp` in the kernel's list of mappings, of their
  /// constants, and of the beginnings of files, where libraries keep the names of what they hold.
  static func codeRanges(_ maps: [UInt8]) -> [Range<UInt>] {
    let files = maps.split(separator: UInt8(ascii: "\n")).map(FileMapping.init)
    return files.indices.compactMap { i in
      guard let file = files[i] else { return nil }
      // The last of a library's parts that are only read was written when the library was loaded.
      let isConstant =
        i > 0 && i + 1 < files.count && file.isRead && files[i - 1]?.isRun(of: file) == true
        && files[i + 1]?.follows(file) == true
      return file.isRun || file.isRead && file.isBeginning || isConstant ? file.range : nil
    }
  }

  /// A line of the kernel's list of mappings that names a file.
  private struct FileMapping {
    let range: Range<UInt>
    let isRun, isRead, isBeginning: Bool
    let path: ArraySlice<UInt8>

    init?(_ line: ArraySlice<UInt8>) {
      let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
      guard fields.count == 6 else { return nil }
      path = fields[5].drop { $0 == UInt8(ascii: " ") }
      let ends = fields[0].split(separator: UInt8(ascii: "-")).map {
        UInt(String(decoding: $0, as: UTF8.self), radix: 16)
      }
      guard path.first == UInt8(ascii: "/"), ends.count == 2, let start = ends[0],
        let end = ends[1], start < end
      else { return nil }
      range = start..<end
      isRun = fields[1].elementsEqual("r-xp".utf8)
      isRead = fields[1].elementsEqual("r--p".utf8)
      isBeginning = fields[2].allSatisfy { $0 == UInt8(ascii: "0") }
    }

    /// Whether this is code of the same file, right before.
    func isRun(of next: FileMapping) -> Bool {
      isRun && path == next.path && range.upperBound == next.range.lowerBound
    }

    /// Whether this is read only and of the same file, right behind.
    func follows(_ last: FileMapping) -> Bool {
      isRead && path == last.path && range.lowerBound == last.range.upperBound
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
