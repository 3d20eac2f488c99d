internal import CKernels

/// How a cache stores keys and values.
public enum CacheElement: String, Codable, Sendable, CaseIterable {
  case float16 = "f16"
  /// With an f32 scale for each token and head.
  case int8
  case float32 = "f32"

  var kernel: primer_cache_type {
    switch self {
    case .float16: PRIMER_CACHE_F16
    case .int8: PRIMER_CACHE_INT8
    case .float32: PRIMER_CACHE_F32
    }
  }

  /// Bytes of a page of keys (and of values) of one layer.
  public func pageBytes(keyValueHeads: Int, headWidth: Int) -> Int {
    Int(primer_cache_page_bytes(kernel, Int64(keyValueHeads), Int64(headWidth)))
  }
}

/// The pages of one layer: keys and values of `pages` pages of `tokens` positions each.
public struct CachePages: @unchecked Sendable {
  // Safe because the cache's owner is the only one to run passes over it.
  /// Positions of a page.
  public static let tokens = Int(PRIMER_CACHE_PAGE)

  let element: CacheElement
  let keyValueHeads, headWidth, pageBytes: Int
  let keys, values: Storage

  public init(_ element: CacheElement, pages: Int, keyValueHeads: Int, headWidth: Int) {
    self.element = element
    self.keyValueHeads = keyValueHeads
    self.headWidth = headWidth
    pageBytes = element.pageBytes(keyValueHeads: keyValueHeads, headWidth: headWidth)
    keys = Storage(byteCount: pages * pageBytes)
    values = Storage(byteCount: pages * pageBytes)
  }

  /// Has the system provide the memory of the first `count` pages, rather than when texts first need it;
  /// what is in them stays. Where the system cannot do that, nothing happens.
  public func provide(_ count: Int) {
    for storage in [keys, values] {
      let end = storage.base + min(count * pageBytes, storage.byteCount)
      SystemPages.provide(storage.base, end, forWriting: true)
    }
  }

  /// Page `target` becomes a copy of page `source`.
  public func copyPage(_ source: Int, to target: Int) {
    for storage in [keys, values] {
      (storage.base + target * pageBytes).copyMemory(
        from: storage.base + source * pageBytes, byteCount: pageBytes)
    }
  }
}

/// Stores `key` and `value` of new tokens in a layer's pages, then lets each token attend to its own
/// sequence up to itself. query [.., rows, heads, width], key and value [.., rows, keyValueHeads,
/// width]; shape of query.
public func cachedAttention(
  query: Tensor, key: Tensor, value: Tensor, _ pages: CachePages, _ rows: CacheRows,
  scale: Float? = nil, window: Int? = nil, softCap: Float? = nil
) -> Tensor {
  precondition(
    query.rank == 4 && key.shape == value.shape && query.shape[3] == pages.headWidth
      && key.shape[2] == pages.keyValueHeads && query.shape[0] * query.shape[1] == rows.count
      && key.shape[0] * key.shape[1] == rows.count,
    "cached attention of query \(query.shape), key \(key.shape) for \(rows.count) rows")
  let output = Tensor(uninitialised: query.shape)
  var arguments = primer_cached_attention()
  arguments.type = pages.element.kernel
  arguments.heads = Int64(query.shape[2])
  arguments.key_value_heads = Int64(pages.keyValueHeads)
  arguments.head_width = Int64(pages.headWidth)
  arguments.keys = pages.keys.base
  arguments.values = pages.values.base
  let (query, key, value) = (query.headRows(), key.headRows(), value.headRows())
  (arguments.query, arguments.query_stride) = (UnsafePointer(query.floats), query.headRowStride)
  (arguments.key, arguments.key_stride) = (UnsafePointer(key.floats), key.headRowStride)
  (arguments.value, arguments.value_stride) = (UnsafePointer(value.floats), value.headRowStride)
  arguments.output = output.floats
  arguments.output_stride = output.headRowStride
  arguments.scale = scale ?? 1 / Float(pages.headWidth).squareRoot()
  arguments.soft_cap = softCap ?? 0
  arguments.window = Int64(window ?? 0)
  Kernels.cachedAttention(arguments, rows)
  return output
}

extension Tensor {
  /// [batch, time, heads, width] with heads side by side and rows that fold; a copy where they do not.
  fileprivate func headRows() -> Tensor {
    let fits =
      strides[3] == 1 && strides[2] == shape[3]
      && (shape[0] == 1 || strides[0] == shape[1] * strides[1])
    return fits ? self : copied()
  }

  fileprivate var headRowStride: Int64 { Int64(strides[1]) }
}
