internal import PrimerTokenizers

/// Tokens in, text out as soon as it is certain: whole characters only, nothing of a stop string,
/// and nothing that may still become one.
public struct TextStream: Sendable {
  private var pending: [UInt8] = []
  private let stops: [[UInt8]]
  /// Whether a stop string has been met; later bytes are ignored.
  public private(set) var isStopped = false

  public init(stops: [String]) { self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty } }

  /// The text that `bytes` make certain.
  public mutating func append(_ bytes: some Sequence<UInt8>) -> String {
    guard !isStopped else { return "" }
    pending.append(contentsOf: bytes)
    if let start = firstStop() {
      isStopped = true
      let text = String(decoding: pending[..<start], as: UTF8.self)
      pending = []
      return text
    }
    let held = max(heldForStops(), heldForCharacter())
    let text = String(decoding: pending.dropLast(held), as: UTF8.self)
    pending.removeFirst(pending.count - held)
    return text
  }

  /// What is left when no more tokens come; a cut character becomes U+FFFD.
  public mutating func finish() -> String {
    defer { pending = [] }
    return String(decoding: pending, as: UTF8.self)
  }

  /// Where the earliest stop string begins.
  private func firstStop() -> Int? {
    stops.compactMap { stop -> Int? in
      guard pending.count >= stop.count else { return nil }
      return (0...pending.count - stop.count).first {
        pending[$0..<$0 + stop.count].elementsEqual(stop)
      }
    }.min()
  }

  /// Bytes at the end that are a proper prefix of a stop string.
  private func heldForStops() -> Int {
    stops.map { stop in
      let longest = min(stop.count - 1, pending.count)
      guard longest > 0 else { return 0 }
      return stride(from: longest, to: 0, by: -1).first {
        pending.suffix($0).elementsEqual(stop.prefix($0))
      } ?? 0
    }.max() ?? 0
  }

  /// Bytes at the end that begin a character whose rest is still to come.
  private func heldForCharacter() -> Int {
    for length in 1...3 where length <= pending.count {
      let byte = pending[pending.count - length]
      if byte & 0b1100_0000 == 0b1000_0000 { continue }
      let needed =
        byte & 0b1110_0000 == 0b1100_0000
        ? 2 : byte & 0b1111_0000 == 0b1110_0000 ? 3 : byte & 0b1111_1000 == 0b1111_0000 ? 4 : 1
      return needed > length ? length : 0
    }
    return 0
  }
}
