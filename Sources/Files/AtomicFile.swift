package import Foundation

/// A file that appears under its name whole or not at all: written beside it, flushed to the disk,
/// renamed, and the folder flushed. Until `commit()` the previous file stays. What is not committed is
/// gone with this value; where the system keeps files without a name, also when the process is killed.
package struct AtomicFile: ~Copyable {
  /// `write(2)`, or a stand-in of a test that plays a full disk.
  package typealias Write = @Sendable (Int32, UnsafeRawPointer, Int) -> Int

  package static let systemWrite: Write = { Foundation.write($0, $1, $2) }

  private let url: URL
  private let temporary: URL
  private let descriptor: Int32
  private let isNamed: Bool
  private let system: Write
  private var buffer: [UInt8] = []
  private var committed = false
  private static let bufferSize = 1 << 18

  package init(
    _ url: URL, write: @escaping Write = Self.systemWrite
  ) throws {
    self.url = url
    system = write
    temporary = url.deletingLastPathComponent().appending(
      path: ".\(url.lastPathComponent).\(UUID().uuidString).temporary")
    let nameless = Self.openNameless(in: url.deletingLastPathComponent())
    isNamed = nameless == nil
    descriptor =
      nameless ?? open(temporary.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw FileError.last(url, "create")
    }
  }

  deinit {
    close(descriptor)
    if !committed { unlink(temporary.path) }
  }

  package mutating func append(_ bytes: some Collection<UInt8>) throws {
    buffer.append(contentsOf: bytes)
    if buffer.count >= Self.bufferSize { try drain() }
  }

  package mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
    if bytes.count >= Self.bufferSize {
      try drain()
      try put(bytes)
    } else {
      buffer.append(contentsOf: bytes)
      if buffer.count >= Self.bufferSize { try drain() }
    }
  }

  /// Replaces bytes written before, such as a header whose counts are known only at the end.
  package mutating func overwrite(at offset: Int, _ bytes: [UInt8]) throws {
    try drain()
    guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else { throw failure("seek") }
    try bytes.withUnsafeBytes { try put($0) }
    guard lseek(descriptor, 0, SEEK_END) >= 0 else { throw failure("seek") }
  }

  package consuming func commit() throws {
    try drain()
    guard fsync(descriptor) == 0 else { throw failure("flush") }
    forgetPages()
    guard isNamed || giveName() == 0 else { throw failure("name") }
    guard rename(temporary.path, url.path) == 0 else { throw failure("rename") }
    committed = true
    try Self.flushFolder(url.deletingLastPathComponent())
  }

  /// A file of the folder without a name, where there can be such.
  private static func openNameless(in folder: URL) -> Int32? {
    #if os(Linux)
      guard access("/proc/self/fd", X_OK) == 0 else { return nil }
      let temporaryFile: Int32 = 0o20_000_000  // of O_TMPFILE, with O_DIRECTORY
      let descriptor = open(
        folder.path, temporaryFile | O_DIRECTORY | O_WRONLY | O_CLOEXEC, 0o644)
      return descriptor >= 0 ? descriptor : nil
    #else
      return nil
    #endif
  }

  /// Written pages are small ones. Once the system has let go of them, the first mapping of a large file
  /// brings in pages of 2 MiB instead, from which weights are read faster.
  private func forgetPages() {
    #if os(Linux)
      guard lseek(descriptor, 0, SEEK_END) >= MappedFile.leastHugeCount else { return }
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
    #endif
  }

  private func giveName() -> Int32 {
    linkat(
      AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, temporary.path, AT_SYMLINK_FOLLOW)
  }

  private mutating func drain() throws {
    guard !buffer.isEmpty else { return }
    try buffer.withUnsafeBytes { try put($0) }
    buffer.removeAll(keepingCapacity: true)
  }

  private func put(_ bytes: UnsafeRawBufferPointer) throws {
    var at = 0
    while at < bytes.count {
      let written = system(descriptor, bytes.baseAddress! + at, bytes.count - at)
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw failure("write") }
      at += written
    }
  }

  private func failure(_ action: String) -> FileError { .last(url, action) }
}

extension AtomicFile {
  package static func write(
    _ bytes: some Collection<UInt8>, to url: URL,
    write: @escaping Write = Self.systemWrite
  ) throws {
    var file = try AtomicFile(url, write: write)
    try file.append(bytes)
    try file.commit()
  }

  /// Makes names created, renamed or removed in a folder survive a power cut.
  package static func flushFolder(_ folder: URL) throws {
    let descriptor = open(folder.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw FileError.last(folder, "open")
    }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw FileError.last(folder, "flush")
    }
  }
}
