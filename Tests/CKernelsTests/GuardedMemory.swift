import CKernels
import Foundation
import Testing

/// Arrays for kernels at addresses that no vector is aligned to, with guards on both sides.
final class GuardedMemory {
  private static let guardCount = 24
  private static let guardValue = Float(bitPattern: 0x7fc1_2345)
  private var buffers: [UnsafeMutableBufferPointer<Float>] = []
  private var starts: [(offset: Int, count: Int)] = []
  private let seed: UInt64
  private var counter: UInt64 = 0

  init(seed: UInt64 = 1) { self.seed = seed }

  deinit { for buffer in buffers { buffer.deallocate() } }

  private func random() -> UInt64 {
    counter += 1
    return primer_random_bits(seed, 7, counter)
  }

  func whole(_ range: Range<Int>) -> Int {
    range.lowerBound + Int(random() % UInt64(range.count))
  }

  func values(_ count: Int, in range: ClosedRange<Float> = -1...1) -> UnsafeMutablePointer<Float> {
    let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: count + 2 * Self.guardCount)
    buffer.initialize(repeating: Self.guardValue)
    let offset = Self.guardCount - Int(random() % 16)
    let pointer = buffer.baseAddress! + offset
    primer_random_uniform(nil, seed, random(), Int64(count), pointer)
    primer_scale_shift(
      nil, Int64(count), range.upperBound - range.lowerBound, range.lowerBound, pointer, pointer)
    buffers.append(buffer)
    starts.append((offset, count))
    return pointer
  }

  func values(_ array: [Float]) -> UnsafeMutablePointer<Float> {
    let pointer = values(array.count)
    for (i, value) in array.enumerated() { pointer[i] = value }
    return pointer
  }

  func integers(_ count: Int, in range: Range<Int>) -> UnsafeMutablePointer<Int32> {
    let pointer = UnsafeMutableRawPointer(values(count)).assumingMemoryBound(to: Int32.self)
    for i in 0..<count { pointer[i] = Int32(whole(range)) }
    return pointer
  }

  /// Whether nothing was written outside the arrays.
  var guardsHold: Bool {
    zip(buffers, starts).allSatisfy { buffer, start in
      let before = buffer[..<start.offset]
      let after = buffer[(start.offset + start.count)...]
      return (Array(before) + Array(after)).allSatisfy {
        $0.bitPattern == Self.guardValue.bitPattern
      }
    }
  }
}

func array<Element>(_ pointer: UnsafePointer<Element>, _ count: Int) -> [Element] {
  Array(UnsafeBufferPointer(start: pointer, count: count))
}

func array<Element>(_ pointer: UnsafeMutablePointer<Element>, _ count: Int) -> [Element] {
  array(UnsafePointer(pointer), count)
}

/// Largest difference, relative where values exceed 1; infinite where only one is NaN or the counts differ.
func difference(_ found: [Float], _ expected: [Double]) -> Double {
  guard found.count == expected.count else { return .infinity }
  var largest = 0.0
  var i = 0
  // Indices, because iterators are slow without optimisation.
  while i < found.count {
    let a = Double(found[i])
    let b = expected[i]
    i += 1
    if a == b || (a.isNaN && b.isNaN) { continue }
    let error = (a > b ? a - b : b - a) / (b > 1 ? b : b < -1 ? -b : 1)
    if !(error <= largest) { largest = error.isNaN ? .infinity : error }
  }
  return largest
}

func sameBytes(_ a: [Float], _ b: [Float]) -> Bool {
  a.count == b.count
    && a.withUnsafeBytes { a in
      b.withUnsafeBytes { b in a.isEmpty || memcmp(a.baseAddress!, b.baseAddress!, a.count) == 0 }
    }
}

/// What `kernel` gives at `level` on fresh, equal memory, without a pool; expects the same bytes from
/// two and three threads and that guards hold.
func outcome(
  at level: primer_isa, seed: UInt64 = 1, location: SourceLocation = #_sourceLocation,
  _ kernel: (OpaquePointer?, GuardedMemory) -> [Float]
) -> [Float] {
  var alone: [Float] = []
  for threads in [1, 2, 3] as [Int32] {
    let pool = threads == 1 ? nil : primer_pool_create(threads)
    defer { primer_pool_destroy(pool) }
    let memory = GuardedMemory(seed: seed)
    let found = atLevel(level) { kernel(pool, memory) }
    #expect(memory.guardsHold, "wrote outside its arrays", sourceLocation: location)
    if threads == 1 {
      alone = found
    } else {
      #expect(
        sameBytes(found, alone), "\(threads) threads give other bytes", sourceLocation: location)
    }
  }
  return alone
}

/// Lengths around vectors and chunks.
let awkwardCounts = [1, 2, 7, 15, 16, 17, 33, 100, 33_001]
