internal import CKernels

/// The threads that kernels run on. Results never depend on how many they are.
public final class ComputePool: @unchecked Sendable {
  // Safe because the C pool serves any caller: a second one at the same time computes on its own
  // thread.
  package let handle: OpaquePointer?

  /// Threads, the caller's included.
  public var threadCount: Int { Int(primer_pool_threads(handle)) }

  /// - Parameter threads: at least 1.
  public init(threads: Int) {
    precondition(threads > 0, "a pool needs a thread, not \(threads)")
    handle = threads == 1 ? nil : primer_pool_create(Int32(threads))
  }

  deinit {
    if let handle { primer_pool_destroy(handle) }
  }

  /// Physical cores that this process may use.
  public static var physicalCores: Int { Int(primer_physical_cores()) }

  /// One thread for each physical core.
  public static let shared = ComputePool(threads: physicalCores)

  /// The pool of the current task.
  @TaskLocal public static var current: ComputePool = .shared

  /// f32 operations a second that these threads reach with registers alone: what utilisation is a
  /// share of. Takes about 0.1 s.
  public func measurePeak() -> Double { primer_probe_f32(handle, 20) }

  /// Bytes a second that these threads together read of a buffer of `byteCount` bytes, over and over.
  public func measureRead(byteCount: Int, rounds: Int = 9) -> Double {
    let storage = Storage(byteCount: byteCount)
    storage.base.initializeMemory(as: UInt8.self, repeating: 1, count: byteCount)
    return primer_probe_read(handle, storage.base, Int64(byteCount), Int32(rounds))
  }

  /// The instruction-set level in use: "avx512", "avx2" or "portable".
  public static var instructionSet: String {
    String(cString: primer_isa_name(primer_isa_current()))
  }
}

extension ComputePool {
  /// Calls `body` with ranges of `chunk` that make up `0..<items`, on all threads.
  package func forEachRange(
    of items: Int, chunk: Int, _ body: @Sendable (Range<Int>) -> Void
  ) {
    withoutActuallyEscaping(body) { body in
      let region = Region(body: body)
      withExtendedLifetime(region) {
        primer_pool_run(
          handle, Int64(items), Int64(chunk),
          { context, begin, end, _ in
            Unmanaged<Region>.fromOpaque(context!).takeUnretainedValue()
              .body(Int(begin)..<Int(end))
          }, Unmanaged.passUnretained(region).toOpaque())
      }
    }
  }

  /// Work, as C hands it on.
  private final class Region: Sendable {
    let body: @Sendable (Range<Int>) -> Void
    init(body: @escaping @Sendable (Range<Int>) -> Void) { self.body = body }
  }
}
