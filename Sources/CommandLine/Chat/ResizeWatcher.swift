import Foundation

/// Notices that the terminal changes its size, also between two looks.
final class ResizeWatcher {
  private let notes: Pipe
  private let source: any DispatchSourceSignal

  init() {
    let notes = Pipe()
    let writing = notes.fileHandleForWriting
    source = DispatchSource.makeSignalSource(
      signal: SIGWINCH, queue: DispatchQueue(label: "primer.resizes"))
    source.setEventHandler { try? writing.write(contentsOf: Data([1])) }
    source.resume()
    self.notes = notes
  }

  deinit { source.cancel() }

  /// Waits for input or another size; whether it was the size.
  func comesBeforeInput() -> Bool {
    let reading = notes.fileHandleForReading.fileDescriptor
    var waiting = [
      pollfd(fd: 0, events: Int16(POLLIN), revents: 0),
      pollfd(fd: reading, events: Int16(POLLIN), revents: 0),
    ]
    while poll(&waiting, 2, -1) < 0 { guard errno == EINTR else { return false } }
    guard waiting[1].revents & Int16(POLLIN) != 0 else { return false }
    var notes = [UInt8](repeating: 0, count: 64)
    return read(reading, &notes, notes.count) > 0
  }
}
