#if os(Linux)
  import Foundation
  import TestSupport

  /// The program in a terminal of its own, as a person has it.
  final class Terminal {
    struct TimeOut: Error, CustomStringConvertible {
      let description: String
    }

    /// TIOCSPTLCK and TIOCGPTN of ioctl_tty(2), which Swift's modules do not declare.
    private static let setLock: UInt = 0x4004_5431
    private static let getNumber: UInt = 0x8004_5430

    private let master: Int32
    private let process = Process()
    /// What the program wrote and no `wait` has found yet.
    private var unread = ""
    private var bytes: [UInt8] = []

    static let isPossible = FileManager.default.isExecutableFile(atPath: "/usr/bin/setsid")

    init(_ arguments: [String], in folder: URL, columns: Int = 60) throws {
      master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
      var (isLocked, number): (Int32, UInt32) = (0, 0)
      guard master >= 0, ioctl(master, Self.setLock, &isLocked) == 0,
        ioctl(master, Self.getNumber, &number) == 0,
        let other = FileHandle(forUpdatingAtPath: "/dev/pts/\(number)")
      else { throw TimeOut(description: "no pseudo terminal: \(errno)") }
      // The terminal has to be the one that Ctrl-C goes to.
      process.executableURL = URL(filePath: "/usr/bin/setsid")
      process.arguments = ["--ctty", "--wait", PrimerCommand.binary!.path] + arguments
      process.environment = ProcessInfo.processInfo.environment.merging([
        "XDG_STATE_HOME": folder.path, "TERM": "xterm-256color",
      ]) { $1 }
      (process.standardInput, process.standardOutput) = (other, other)
      process.standardError = other
      resize(columns: columns)
      try process.run()
      try other.close()
    }

    deinit {
      if process.isRunning { process.terminate() }
      close(master)
    }

    func resize(columns: Int) {
      var size = winsize(ws_row: 20, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
      _ = ioctl(master, UInt(TIOCSWINSZ), &size)
    }

    func type(_ text: String) {
      let bytes = Array(text.utf8)
      _ = write(master, bytes, bytes.count)
    }

    private func read(milliseconds: Int32) -> Bool {
      var input = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
      guard poll(&input, 1, milliseconds) > 0 else { return true }
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      let count = Foundation.read(master, &buffer, buffer.count)
      guard count > 0 else { return false }
      bytes += buffer[..<count]
      unread += String(decoding: bytes, as: UTF8.self)
      bytes = []
      return true
    }

    /// Waits until the program writes `text`, and gives what came before it.
    @discardableResult
    func wait(for text: String, seconds: Double = 60) throws -> String {
      let end = ContinuousClock.now + .seconds(seconds)
      while ContinuousClock.now < end {
        if let range = unread.range(of: text) {
          defer { unread.removeSubrange(..<range.upperBound) }
          return String(unread[..<range.lowerBound])
        }
        guard read(milliseconds: 100) else { break }
      }
      throw TimeOut(description: "no \(text.debugDescription) in \(unread.debugDescription)")
    }

    /// Waits until the program wrote so many bytes more.
    func wait(forBytes count: Int) throws {
      let end = ContinuousClock.now + .seconds(60)
      while unread.utf8.count < count, ContinuousClock.now < end, read(milliseconds: 100) {}
      guard unread.utf8.count >= count else {
        throw TimeOut(description: "only \(unread.debugDescription)")
      }
    }

    /// The exit status, once the program ended; -1 if it does not.
    func finish(seconds: Double = 60) -> Int32 {
      let end = ContinuousClock.now + .seconds(seconds)
      while process.isRunning, ContinuousClock.now < end, read(milliseconds: 50) {}
      while process.isRunning, ContinuousClock.now < end { usleep(10_000) }
      guard !process.isRunning else { return -1 }
      return process.terminationStatus
    }
  }
#endif
