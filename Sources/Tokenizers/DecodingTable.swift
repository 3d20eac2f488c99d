// Unsafe pointers: see ByteTables.swift.

/// The bytes of every token, added ones too, where decoding finds them: those of the vocabulary are not
/// copied.
struct DecodingTable: Sendable {
  /// A token whose bytes are not the ones of the vocabulary.
  struct Exception {
    let id: Int32
    let bytes: [UInt8]
    var special = false
  }

  /// What is known of a token.
  private enum Kind {
    static let plain: UInt8 = 0
    static let exception: UInt8 = 1
    static let special: UInt8 = 2
  }

  /// Bytes that may be copied too many, so that short tokens need no loop.
  private static let slack = 16
  private let list: StringList
  /// `Kind` of each token; two bits of it for a special exception.
  private let kinds: [UInt8]
  /// Numbers of the exceptions, ascending, and their bytes.
  private let numbers: [Int32]
  private let exceptions: StringList

  /// `list` and the exceptions, which are in the order of their numbers; of two for one number the last
  /// counts.
  init(_ list: StringList, _ exceptions: [Exception]) {
    self.list = list
    let count = max(list.count, Int(exceptions.last?.id ?? -1) + 1)
    var kinds = [UInt8](repeating: Kind.plain, count: count)
    var (numbers, bytes): ([Int32], StringList) = ([], StringList())
    // Numbers beyond the list have no bytes but the exceptions'.
    for id in min(list.count, count)..<count { kinds[id] = Kind.exception }
    for (index, token) in exceptions.enumerated() {
      if index + 1 < exceptions.count, exceptions[index + 1].id == token.id { continue }
      kinds[Int(token.id)] = Kind.exception | (token.special ? Kind.special : Kind.plain)
      numbers.append(token.id)
      bytes.append(token.bytes)
    }
    (self.kinds, self.numbers, self.exceptions) = (kinds, numbers, bytes)
  }

  func isSpecial(_ id: Int32) -> Bool {
    kinds.indices.contains(Int(id)) && kinds[Int(id)] & Kind.special != 0
  }

  /// Where the bytes of an exception lie among theirs.
  private func place(_ id: Int32) -> Range<Int> {
    var (low, high) = (0, numbers.count)
    while low < high {
      let middle = (low + high) / 2
      if numbers[middle] < id { low = middle + 1 } else { high = middle }
    }
    guard low < numbers.count, numbers[low] == id else { return 0..<0 }
    return Int(exceptions.starts[low])..<Int(exceptions.starts[low + 1])
  }

  func bytes(of ids: [Int32], skippingSpecial: Bool) -> [UInt8] {
    func isLeftOut(_ id: Int32) -> Bool {
      id < 0 || Int(id) >= kinds.count || (skippingSpecial && kinds[Int(id)] & Kind.special != 0)
    }
    var total = 0
    for id in ids where !isLeftOut(id) {
      total +=
        kinds[Int(id)] == Kind.plain
        ? Int(list.starts[Int(id) + 1] - list.starts[Int(id)]) : place(id).count
    }
    return [UInt8](unsafeUninitializedCapacity: total + Self.slack) { output, count in
      guard let target = output.baseAddress.map({ UnsafeMutableRawPointer($0) }) else { return }
      list.bytes.withUnsafeBufferPointer { plain in
        exceptions.bytes.withUnsafeBufferPointer { others in
          for id in ids where !isLeftOut(id) {
            let isPlain = kinds[Int(id)] == Kind.plain
            let place =
              isPlain
              ? Int(list.starts[Int(id)])..<Int(list.starts[Int(id) + 1]) : self.place(id)
            guard !place.isEmpty else { continue }
            let bytes = isPlain ? plain : others
            let source = UnsafeRawPointer(bytes.baseAddress! + place.lowerBound)
            // Copies of a constant length are quicker, where as many bytes may be read.
            let isShort =
              place.count <= Self.slack && place.lowerBound + Self.slack <= bytes.count
            target.advanced(by: count).copyMemory(
              from: source, byteCount: isShort ? Self.slack : place.count)
            count += place.count
          }
        }
      }
    }
  }
}
