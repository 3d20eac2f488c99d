import Foundation

/// A file mapped into memory for reading; unmapped when its one owner ends.
struct MappedFile: ~Copyable, @unchecked Sendable {
  // Safe because the mapping is private, read-only, and lives exactly as long as this value.
  private let base: UnsafeMutableRawPointer?
  let count: Int

  init(_ url: URL) throws {
    (base, count) = try Self.map(url)
  }

  deinit {
    if let base { munmap(base, count) }
  }

  func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  private static func map(_ url: URL) throws -> (UnsafeMutableRawPointer?, Int) {
    let descriptor = open(url.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { throw DatasetError.missing(url) }
      throw failure(url, "open")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw DatasetError.damaged(url, reason: "not a file")
    }
    let count = Int(status.st_size)
    guard count > 0 else { return (nil, 0) }
    guard let base = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED
    else { throw failure(url, "map") }
    return (base, count)
  }

  private static func failure(_ url: URL, _ action: String) -> DatasetError {
    .inputOutput(url.path, action: action, reason: String(cString: strerror(errno)))
  }
}
