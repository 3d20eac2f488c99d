internal import Dispatch
internal import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reads mapped tensors' pages from the disk on a thread of its own, while others compute.
package final class PageReader: Sendable {
  package static let shared = PageReader()

  private let queue = DispatchQueue(label: "PrimerTensors.PageReader")
  private let latest = Atomic(0)
  private static let stretch = 8 << 20

  /// Starts to read the tensors that are mapped, in order; what an earlier call has not read yet is left
  /// to whoever needs it.
  package func read(_ tensors: [Tensor]) {
    let number = latest.wrappingAdd(1, ordering: .relaxed).newValue
    queue.async { [self] in
      for tensor in tensors where tensor.storage.isMapped && tensor.isContiguous {
        let type = tensor.elementType
        var start = tensor.storage.base + type.byteCount(of: tensor.offset)
        let end = start + type.byteCount(of: tensor.count)
        while start < end {
          guard latest.load(ordering: .relaxed) == number else { return }
          let stop = min(start + Self.stretch, end)
          Self.populate(start, stop)
          start = stop
        }
      }
    }
  }

  /// Waits until the pages are in memory and mapped; where the system cannot do that, asks for them.
  private static func populate(_ start: UnsafeMutableRawPointer, _ end: UnsafeMutableRawPointer) {
    if !SystemPages.provide(start, end, forWriting: false) { SystemPages.askFor(start, end) }
  }
}

/// Pages of memory, as the system hands them out: those that [start, end) touches.
enum SystemPages {
  /// Waits until they are in memory, whatever is in them; false where the system cannot do that.
  @discardableResult
  static func provide(
    _ start: UnsafeMutableRawPointer, _ end: UnsafeMutableRawPointer, forWriting: Bool
  ) -> Bool {
    #if os(Linux)
      // MADV_POPULATE_WRITE and MADV_POPULATE_READ, Linux 5.14
      return advise(start, end, forWriting ? 23 : 22)
    #else
      return false
    #endif
  }

  /// Has the system begin to read them, and does not wait.
  static func askFor(_ start: UnsafeMutableRawPointer, _ end: UnsafeMutableRawPointer) {
    _ = advise(start, end, Int32(MADV_WILLNEED))
  }

  private static func advise(
    _ start: UnsafeMutableRawPointer, _ end: UnsafeMutableRawPointer, _ advice: Int32
  ) -> Bool {
    // It takes whole pages only.
    let first = start - Int(bitPattern: start) % Int(sysconf(Int32(_SC_PAGESIZE)))
    return madvise(first, end - first, advice) == 0
  }
}
