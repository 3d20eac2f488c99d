package import Foundation

/// A file mapped into memory for reading; unmapped when its one owner ends.
package struct MappedFile: ~Copyable, @unchecked Sendable {
  // Safe because the mapping is private, read-only, and lives exactly as long as this value.
  private let base: UnsafeMutableRawPointer?
  package let count: Int
  /// Whether there is a file to read pages from again.
  private let isFile: Bool

  package init(_ url: URL) throws {
    isFile = true
    (base, count) = try Self.map(url)
  }

  /// A copy of bytes that are in memory already, in a mapping of its own.
  package init(copying bytes: UnsafeRawBufferPointer) {
    isFile = false
    count = bytes.count
    guard count > 0 else {
      base = nil
      return
    }
    base = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    precondition(base != MAP_FAILED, "no memory for \(count) bytes")
    base!.copyMemory(from: bytes.baseAddress!, byteCount: count)
  }

  deinit {
    if let base { munmap(base, count) }
  }

  package func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// Lets go of the pages that lie wholly in `range`, which is not needed soon; they are read again
  /// where they are.
  package func forget(_ range: Range<Int>) {
    guard isFile, let base else { return }
    let page = sysconf(Int32(_SC_PAGESIZE))
    let start = (range.lowerBound + page - 1) / page * page
    let end = min(range.upperBound, count) / page * page
    if start < end { madvise(base + start, end - start, MADV_DONTNEED) }
  }

  private static func map(_ url: URL) throws -> (UnsafeMutableRawPointer?, Int) {
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { throw FileError.missing(url) }
      throw FileError.last(url, "open")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw FileError.notAFile(url)
    }
    let count = Int(status.st_size)
    guard count > 0 else { return (nil, 0) }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED
    else { throw FileError.last(url, "map") }
    adviseHugePages(base, count)
    return (base, count)
  }

  /// Bytes from which on a file is worth pages of 2 MiB.
  static let leastHugeCount = 16 << 20

  /// Pages of 2 MiB, where the file comes from the disk by this mapping: weights are then read half
  /// as fast again. What already is in memory in small pages stays as it is.
  private static func adviseHugePages(_ base: UnsafeMutableRawPointer, _ count: Int) {
    #if os(Linux)
      if count >= leastHugeCount { madvise(base, count, MADV_HUGEPAGE) }
    #endif
  }
}
