import CKernels

/// Heads, cache type and masks of a cached attention.
struct CacheShape {
  var type = PRIMER_CACHE_F16
  var heads = 1
  var groups = 1
  var headWidth: Int
  var window = 0
  var softCap: Float = 0
  var scale: Float = 2
}

/// Sequences with all their queries, keys and values, of which any tokens can be stored and attended in one call; pages lie
/// in a random order and hold NaN where nothing is stored.
final class CachedAttentionProblem {
  /// Tokens of one sequence.
  struct Part {
    var sequence: Int
    var tokens: Range<Int>
  }

  let shape: CacheShape
  let lengths: [Int]
  var arguments = primer_cached_attention()
  let pageBytes: Int
  private let memory: GuardedMemory
  private let pageCount: Int
  private var pages: [UnsafeMutablePointer<Int32>] = []
  private var firstRows: [Int] = []

  /// Pages lie as `pageSeed` says; all else as `memory` says.
  init(_ shape: CacheShape, lengths: [Int], pageSeed: UInt64 = 1, in memory: GuardedMemory) {
    self.shape = shape
    self.lengths = lengths
    self.memory = memory
    let page = Int(PRIMER_CACHE_PAGE)
    let needed = lengths.map { ($0 + page - 1) / page }
    pageCount = needed.reduce(0, +) + 2
    pageBytes = Int(
      primer_cache_page_bytes(shape.type, Int64(shape.groups), Int64(shape.headWidth)))
    var numbers = (0..<Int32(pageCount)).map { ($0, primer_random_bits(pageSeed, 3, UInt64($0))) }
    numbers.sort { $0.1 < $1.1 }
    var rows = 0
    for (length, count) in zip(lengths, needed) {
      let list = memory.integers(count + 1, in: 0..<1)
      for i in 0..<count { list[i] = numbers.removeFirst().0 }
      pages.append(list)
      firstRows.append(rows)
      rows += length
    }
    let (queryWidth, keyWidth) = (shape.heads * shape.headWidth, shape.groups * shape.headWidth)
    let keysAndValues = memory.values(rows * (2 * keyWidth + 3))
    arguments.type = shape.type
    arguments.heads = Int64(shape.heads)
    arguments.key_value_heads = Int64(shape.groups)
    arguments.head_width = Int64(shape.headWidth)
    arguments.query = UnsafePointer(memory.values(rows * (queryWidth + 1)))
    arguments.query_stride = Int64(queryWidth + 1)
    arguments.key = UnsafePointer(keysAndValues)
    arguments.value = UnsafePointer(keysAndValues + keyWidth)
    arguments.key_stride = Int64(2 * keyWidth + 3)
    arguments.value_stride = arguments.key_stride
    arguments.output = memory.values(rows * queryWidth)
    arguments.output_stride = Int64(queryWidth)
    arguments.scale = shape.scale / Float(shape.headWidth).squareRoot()
    arguments.soft_cap = shape.softCap
    arguments.window = Int64(shape.window)
    arguments.keys = emptyPages()
    arguments.values = emptyPages()
  }

  private func emptyPages() -> UnsafeMutableRawPointer {
    let bytes = pageCount * pageBytes
    let start = UnsafeMutableRawPointer(memory.values(bytes / 4))
    start.initializeMemory(as: UInt8.self, repeating: 0xff, count: bytes)
    return start
  }

  /// All tokens of all sequences.
  var whole: [Part] { lengths.indices.map { Part(sequence: $0, tokens: 0..<lengths[$0]) } }

  private func call(_ parts: [Part], _ kernel: (UnsafePointer<primer_cached_attention>) -> Void) {
    let sequences = parts.map {
      primer_cache_sequence(
        pages: pages[$0.sequence], first: Int64($0.tokens.lowerBound),
        count: Int64($0.tokens.count),
        row: Int64(firstRows[$0.sequence] + $0.tokens.lowerBound))
    }
    sequences.withUnsafeBufferPointer {
      var call = arguments
      call.sequence_count = Int64($0.count)
      call.sequences = $0.baseAddress
      kernel(&call)
    }
  }

  func store(_ parts: [Part], _ pool: OpaquePointer? = nil) {
    call(parts) { primer_cache_store(pool, $0) }
  }

  func attend(_ parts: [Part], _ pool: OpaquePointer? = nil) {
    call(parts) { primer_cached_attention_forward(pool, $0) }
  }

  func attendPlainly(_ parts: [Part]) { call(parts) { primer_cached_attention_reference($0) } }

  /// Output rows of a sequence.
  func output(_ sequence: Int) -> [Float] {
    let width = shape.heads * shape.headWidth
    return array(arguments.output + firstRows[sequence] * width, lengths[sequence] * width)
  }

  var output: [Float] { lengths.indices.flatMap { output($0) } }

  /// The bytes of all pages of keys, then of values.
  var stored: [[UInt8]] {
    let places: [UnsafeMutableRawPointer] = [arguments.keys, arguments.values]
    return places.map {
      Array(UnsafeRawBufferPointer(start: $0, count: pageCount * pageBytes))
    }
  }

  func key(_ sequence: Int, _ token: Int) -> UnsafeMutablePointer<Float> {
    UnsafeMutablePointer(
      mutating: arguments.key + (firstRows[sequence] + token) * Int(arguments.key_stride))
  }

  func value(_ sequence: Int, _ token: Int) -> UnsafeMutablePointer<Float> {
    UnsafeMutablePointer(
      mutating: arguments.value + (firstRows[sequence] + token) * Int(arguments.value_stride))
  }

  /// Output rows of a sequence by the definition of attention without a cache, from the numbers as they were before they were stored.
  func outputWithoutCache(_ sequence: Int) -> [Float] {
    let row = firstRows[sequence]
    func operand(_ pointer: UnsafePointer<Float>, _ stride: Int64) -> primer_attention_operand {
      primer_attention_operand(
        data: UnsafeMutablePointer(mutating: pointer) + row * Int(stride), batch_stride: 0,
        time_stride: stride, head_stride: Int64(shape.headWidth))
    }
    var plain = primer_attention_arguments()
    plain.batch = 1
    plain.query_time = Int64(lengths[sequence])
    plain.key_time = plain.query_time
    plain.heads = arguments.heads
    plain.key_value_heads = arguments.key_value_heads
    plain.head_width = arguments.head_width
    plain.query = operand(arguments.query, arguments.query_stride)
    plain.key = operand(arguments.key, arguments.key_stride)
    plain.value = operand(arguments.value, arguments.value_stride)
    plain.output = operand(arguments.output, arguments.output_stride)
    plain.scale = arguments.scale
    plain.soft_cap = arguments.soft_cap
    plain.causal = true
    plain.window = arguments.window
    primer_attention_forward_reference(&plain)
    return output(sequence)
  }
}
