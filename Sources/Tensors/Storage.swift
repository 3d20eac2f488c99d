import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The bytes behind one or more tensors. Views and the tape share it; the last owner gives it back
/// to the cache.
public final class Storage: @unchecked Sendable {
  // Safe because an operation writes only storage that it has just made, or that it owns alone.
  package let base: UnsafeMutableRawPointer
  package let byteCount: Int
  private let owner: Owner
  /// The same rows as products of few tokens want them.
  let woven = Mutex<WovenRows?>(nil)

  private enum Owner {
    case cache(StorageCache)
    /// Somebody else's memory, a mapped file for instance, kept alive as long as this storage.
    case other(AnyObject)
  }

  /// Uninitialised memory for `byteCount` bytes, aligned to 64 bytes.
  package init(byteCount: Int) {
    let cache = PassRecording.current?.memory ?? StorageCache.shared
    self.byteCount = byteCount
    base = cache.take(byteCount)
    owner = .cache(cache)
  }

  /// Memory of `other`, which stays alive with this storage and must not be written when it is
  /// read-only.
  package init(borrowing base: UnsafeMutableRawPointer, byteCount: Int, from other: AnyObject) {
    self.base = base
    self.byteCount = byteCount
    owner = .other(other)
  }

  /// Whether it is somebody else's memory.
  var isMapped: Bool {
    if case .other = owner { true } else { false }
  }

  /// Has pages that can be read again leave the memory, if it is somebody's who has such.
  func forget() {
    if case .other(let keeper as any PageKeeper) = owner { keeper.forget(base, byteCount) }
  }

  deinit {
    if case .cache(let cache) = owner { cache.give(base, byteCount) }
  }
}

/// An owner of memory whose pages can be read again from somewhere.
package protocol PageKeeper: AnyObject {
  /// Lets go of pages that are not needed soon.
  func forget(_ base: UnsafeMutableRawPointer, _ byteCount: Int)
}

/// Blocks of memory that live on after their storage, so that a training step asks the system for
/// nothing after the first: no page faults, no zeroing. Blocks of 2 MiB and more ask for huge
/// pages.
public final class StorageCache: Sendable {
  public static let shared = StorageCache()

  private struct State {
    /// Free blocks by size class.
    var free: [Int: [UInt]] = [:]
    var freeBytes = 0
    var takenBytes = 0
    var peakBytes = 0
  }
  private let state = Mutex(State())
  private static let hugePage = 2 << 20

  deinit { trim() }

  /// The size class of a request: the next of eight steps an octave, at least 64 bytes.
  static func sizeClass(_ byteCount: Int) -> Int {
    guard byteCount > 64 else { return 64 }
    let octave = Int.bitWidth - (byteCount - 1).leadingZeroBitCount
    let step = max(64, 1 << max(0, octave - 4))
    return (byteCount + step - 1) / step * step
  }

  func take(_ byteCount: Int) -> UnsafeMutableRawPointer {
    let size = Self.sizeClass(byteCount)
    let reused: UInt? = state.withLock { state in
      state.takenBytes += size
      state.peakBytes = max(state.peakBytes, state.takenBytes)
      guard let block = state.free[size]?.popLast() else { return nil }
      state.freeBytes -= size
      return block
    }
    if let reused { return UnsafeMutableRawPointer(bitPattern: reused)! }
    return Self.allocate(size)
  }

  func give(_ block: UnsafeMutableRawPointer, _ byteCount: Int) {
    let size = Self.sizeClass(byteCount)
    state.withLock { state in
      state.takenBytes -= size
      state.freeBytes += size
      state.free[size, default: []].append(UInt(bitPattern: block))
    }
  }

  /// Gives all free blocks back to the system, for instance after an evaluation with other shapes.
  public func trim() {
    let blocks = state.withLock { state in
      defer {
        state.free.removeAll()
        state.freeBytes = 0
      }
      return state.free.flatMap { entry in entry.value.map { (entry.key, $0) } }
    }
    for (size, block) in blocks { Self.release(UnsafeMutableRawPointer(bitPattern: block)!, size) }
  }

  /// Bytes in use, waiting for reuse, and the most ever in use.
  public var statistics: (taken: Int, free: Int, peak: Int) {
    state.withLock { ($0.takenBytes, $0.freeBytes, $0.peakBytes) }
  }

  private static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
    let alignment = size >= hugePage ? hugePage : 64
    var block: UnsafeMutableRawPointer?
    let status = posix_memalign(&block, alignment, size)
    guard status == 0, let block else {
      fatalError("out of memory: \(size) bytes for a tensor; use a smaller batch, context or model")
    }
    #if os(Linux)
      if size >= hugePage { madvise(block, size, Int32(MADV_HUGEPAGE)) }
    #endif
    return block
  }

  private static func release(_ block: UnsafeMutableRawPointer, _ size: Int) { free(block) }
}

extension Tensor {
  /// A contiguous view of read-only memory of `owner`, which stays alive with it.
  package init(
    mapped base: UnsafeMutableRawPointer, byteCount: Int, shape: [Int], _ type: ElementType,
    from owner: AnyObject
  ) {
    precondition(byteCount == type.byteCount(of: shape.reduce(1, *)))
    self.init(
      storage: Storage(borrowing: base, byteCount: byteCount, from: owner), shape: shape,
      strides: Tensor.contiguousStrides(shape), elementType: type)
  }

  /// A copy whose row i of the first axis is row `order[i]` of this one; rows are whole blocks.
  package func reordered(_ order: [Int]) -> Tensor {
    precondition(
      order.count == shape[0] && isContiguous,
      "an order of \(order.count) rows of \(shape), or rows of a view")
    let result = Tensor(uninitialised: shape, elementType)
    let rowBytes = elementType.byteCount(of: count / max(shape[0], 1))
    let source = storage.base + elementType.byteCount(of: offset)
    for (row, from) in order.enumerated() {
      (result.storage.base + row * rowBytes).copyMemory(
        from: source + from * rowBytes, byteCount: rowBytes)
    }
    return result
  }
}
