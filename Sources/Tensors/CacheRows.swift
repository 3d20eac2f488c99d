internal import CKernels

/// Which rows of a pass belong to which sequence, and where its pages are.
public final class CacheRows: @unchecked Sendable {
  // Safe because the cache's owner is the only one to run passes over it, and changes this between two.
  /// One sequence: its pages, the position of its first new token, and how many there are.
  public typealias Sequence = (pages: [Int32], first: Int, count: Int)

  private var pages: UnsafeMutableBufferPointer<Int32>
  private var described: UnsafeMutableBufferPointer<primer_cache_sequence>
  /// Position of each row; int32 [rows].
  public let positions: Tensor
  /// The largest position.
  public private(set) var furthest = 0

  public init(_ sequences: [Sequence]) {
    pages = .allocate(capacity: 0)
    described = .allocate(capacity: 0)
    positions = Tensor(uninitialised: [sequences.reduce(0) { $0 + $1.count }], .int32)
    set(sequences)
  }

  deinit {
    pages.deallocate()
    described.deallocate()
  }

  /// Rows of the pass.
  public var count: Int { positions.count }

  /// Other sequences, of as many rows in all.
  package func set(_ sequences: [Sequence]) {
    positions.write(sequences.flatMap { s in (0..<s.count).map { Int32(s.first + $0) } })
    furthest = sequences.map { $0.first + $0.count - 1 }.max() ?? 0
    pages.deallocate()
    described.deallocate()
    pages = .allocate(capacity: sequences.reduce(0) { $0 + $1.pages.count })
    described = .allocate(capacity: sequences.count)
    var (row, page) = (0, 0)
    for (index, sequence) in sequences.enumerated() {
      precondition(
        sequence.pages.count * CachePages.tokens >= sequence.first + sequence.count,
        "\(sequence.pages.count) pages for \(sequence.first + sequence.count) positions")
      _ = pages[page...].update(fromContentsOf: sequence.pages)
      described[index] = primer_cache_sequence(
        pages: pages.baseAddress.map { UnsafePointer($0 + page) }, first: Int64(sequence.first),
        count: Int64(sequence.count), row: Int64(row))
      row += sequence.count
      page += sequence.pages.count
    }
    precondition(row == count, "\(row) rows in place of \(count)")
  }

  func describe(in arguments: inout primer_cached_attention) {
    arguments.sequences = UnsafePointer(described.baseAddress)
    arguments.sequence_count = Int64(described.count)
  }
}
