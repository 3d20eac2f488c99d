// Unsafe pointers: see ByteTables.swift.

/// The bytes of every token, added ones too, where decoding finds them.
struct DecodingTable: Sendable {
  /// A token whose bytes are not the ones of the vocabulary.
  struct Exception {
    let id: Int32
    let bytes: [UInt8]
    var special = false
  }

  /// Bytes that may be copied too many, so that short tokens need no loop.
  private static let slack = 16
  private let bytes: [UInt8]
  private let starts: [UInt32]
  private let special: [Bool]

  /// `list` and the exceptions, which are in the order of their numbers; of two for one number the last
  /// counts.
  init(_ list: StringList, _ exceptions: [Exception]) {
    let count = max(list.count, Int(exceptions.last?.id ?? -1) + 1)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(list.bytes.count + exceptions.reduce(Self.slack) { $0 + $1.bytes.count })
    var starts: [UInt32] = [0]
    starts.reserveCapacity(count + 1)
    var special = [Bool](repeating: false, count: count)
    /// Adds the tokens of the list below `end`, and empty ones beyond it.
    func copy(below end: Int) {
      let first = starts.count - 1
      let last = min(end, list.count)
      if first < last {
        let (from, to) = (list.starts[first], list.starts[last])
        let base = UInt32(bytes.count)
        bytes.append(contentsOf: list.bytes[Int(from)..<Int(to)])
        for start in list.starts[first + 1...last] { starts.append(base + (start - from)) }
      }
      while starts.count - 1 < end { starts.append(UInt32(bytes.count)) }
    }
    for (index, token) in exceptions.enumerated() {
      if index + 1 < exceptions.count, exceptions[index + 1].id == token.id { continue }
      copy(below: Int(token.id))
      bytes += token.bytes
      starts.append(UInt32(bytes.count))
      special[Int(token.id)] = token.special
    }
    copy(below: count)
    bytes.append(contentsOf: repeatElement(0, count: Self.slack))
    self.bytes = bytes
    self.starts = starts
    self.special = special
  }

  func isSpecial(_ id: Int32) -> Bool { special.indices.contains(Int(id)) && special[Int(id)] }

  func bytes(of ids: [Int32], skippingSpecial: Bool) -> [UInt8] {
    func isLeftOut(_ id: Int32) -> Bool {
      id < 0 || Int(id) >= special.count || (skippingSpecial && special[Int(id)])
    }
    var total = 0
    for id in ids where !isLeftOut(id) { total += Int(starts[Int(id) + 1] - starts[Int(id)]) }
    return [UInt8](unsafeUninitializedCapacity: total + Self.slack) { output, count in
      bytes.withUnsafeBufferPointer { bytes in
        let target = UnsafeMutableRawPointer(output.baseAddress!)
        let source = UnsafeRawPointer(bytes.baseAddress!)
        for id in ids where !isLeftOut(id) {
          let start = Int(starts[Int(id)])
          let length = Int(starts[Int(id) + 1]) - start
          if length <= Self.slack {
            target.advanced(by: count).copyMemory(from: source + start, byteCount: Self.slack)
          } else {
            target.advanced(by: count).copyMemory(from: source + start, byteCount: length)
          }
          count += length
        }
      }
    }
  }
}
