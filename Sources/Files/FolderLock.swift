public import Foundation

/// Another process has the folder.
public struct FolderInUse: Error {
  /// Its number, where it could be read.
  public let process: Int32?
}

/// Holds a folder for one process, by the file `lock` in it: the system lets go of it when the process
/// ends, however it ends.
public struct FolderLock: ~Copyable, Sendable {
  private let descriptor: Int32

  /// Throws `FolderInUse` where another process holds it, `FileError` where the file cannot be written.
  public init(_ folder: URL) throws {
    descriptor = try Self.take(folder)
  }

  deinit { close(descriptor) }

  private static func take(_ folder: URL) throws -> Int32 {
    let url = folder.appending(path: "lock")
    let descriptor = open(url.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError.last(url, "create") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let error: any Error =
        errno == EWOULDBLOCK ? FolderInUse(process: holder(url)) : FileError.last(url, "lock")
      close(descriptor)
      throw error
    }
    // Only for the message of another process: failing to write it does no harm.
    ftruncate(descriptor, 0)
    _ = Array("\(getpid())\n".utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    return descriptor
  }

  private static func holder(_ url: URL) -> Int32? {
    (try? String(contentsOf: url, encoding: .utf8)).flatMap {
      Int32($0.trimmingCharacters(in: .whitespacesAndNewlines))
    }
  }
}
