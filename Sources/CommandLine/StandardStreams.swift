import Foundation

/// What a command gives: the only way to standard output.
enum StandardOutput {
  /// - Throws: `OutputFailure`, where not all of it can be written.
  static func write(_ text: String) throws { try write(Array(text.utf8)) }

  /// The same with bytes as they are.
  static func write(_ bytes: some Collection<UInt8>) throws {
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(1, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        var output = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
        _ = poll(&output, 1, -1)
      } else if errno != EINTR {
        throw OutputFailure(code: errno)
      }
    }
  }

  /// Where a standard stream is closed, the next file opened would take its place, and get what is
  /// meant for the stream: something takes it that can do neither, the null device the wrong way
  /// round.
  static func guardClosedStreams() {
    for stream: Int32 in 0...2 where fcntl(stream, F_GETFD) < 0 {
      _ = open("/dev/null", stream == 0 ? O_WRONLY : O_RDONLY)
    }
  }
}

/// Remarks, progress and errors; where nobody can be told, nothing is said.
enum StandardError {
  static func write(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }
}

/// Standard output takes no more.
struct OutputFailure: ExitStatusProviding, CustomStringConvertible {
  /// The system's error number.
  let code: Int32

  /// Who was to read has gone, as `head` does: no fault.
  var isUnread: Bool { code == EPIPE }
  var exitStatus: ExitStatus { .inputOutput }
  var description: String {
    "cannot write to standard output: \(String(cString: strerror(code)))"
  }
}
