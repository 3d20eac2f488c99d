import Foundation
import PrimerFiles

/// A TensorBoard event file (`tensorboard --logdir RUN`): TFRecord frames, each an `Event` of
/// tensorboard/compat/proto/event.proto with scalars.
public final class EventFile {
  private let url: URL
  private let descriptor: Int32

  /// Makes the run's event file anew with the entries so far, so that a resumed run shows no step
  /// twice.
  public init(_ run: RunFolder, _ entries: [MetricsEntry]) throws {
    let folder = run.file("tensorboard")
    let manager = FileManager.default
    try? manager.removeItem(at: folder)
    do {
      try manager.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw FileError.inputOutput(folder, action: "create", reason: error.localizedDescription)
    }
    let time = entries.first?.time ?? Date().timeIntervalSince1970
    url = folder.appending(path: "events.out.tfevents.\(Int(time)).primer")
    descriptor = open(url.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError.last(url, "create") }
    try write(Self.start(time: time) + entries.flatMap(Self.frames))
  }

  deinit { close(descriptor) }

  public func append(_ entry: MetricsEntry) throws { try write(Self.frames(entry)) }

  private func write(_ bytes: [UInt8]) throws {
    let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
    guard written == bytes.count else { throw FileError.last(url, "write") }
  }

  /// The frame that opens a file.
  package static func start(time: Double) -> [UInt8] {
    var event = ProtocolBuffer()
    event.add(1, time)
    event.add(3, Array("brain.Event:2".utf8))
    return frame(event.bytes)
  }

  /// The frame of an entry's scalars; none where it has none.
  package static func frames(_ entry: MetricsEntry) -> [UInt8] {
    let scalars: [(String, Double?)] = [
      ("loss/train", entry.trainLoss), ("loss/validation", entry.validationLoss),
      ("bits_per_byte", entry.bitsPerByte), ("rate", entry.rate),
      ("gradient_norm", entry.gradientNorm), ("tokens_per_second", entry.tokensPerSecond),
      ("utilisation", entry.utilisation),
    ]
    var summary = ProtocolBuffer()
    for case (let tag, let scalar?) in scalars {
      var value = ProtocolBuffer()
      value.add(1, Array(tag.utf8))
      value.add(2, Float(scalar))
      summary.add(1, value.bytes)
    }
    guard !summary.bytes.isEmpty else { return [] }
    var event = ProtocolBuffer()
    event.add(1, entry.time)
    event.add(2, UInt64(entry.step))
    event.add(5, summary.bytes)
    return frame(event.bytes)
  }

  private static func frame(_ bytes: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(bytes.count))
    return length + littleEndian(maskedChecksum(length)) + bytes
      + littleEndian(maskedChecksum(bytes))
  }

  /// TFRecord's (tensorflow/core/lib/hash/crc32c.h).
  private static func maskedChecksum(_ bytes: [UInt8]) -> UInt32 {
    let checksum = crc32C(bytes)
    return (checksum >> 15 | checksum << 17) &+ 0xA282_EAD8
  }
}

/// Fields of Google's Protocol Buffers, as far as events need them.
struct ProtocolBuffer {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ field: UInt64, _ value: UInt64) {
    variable(field << 3 | 0)
    variable(value)
  }

  mutating func add(_ field: UInt64, _ value: Double) {
    variable(field << 3 | 1)
    bytes += littleEndian(value.bitPattern)
  }

  mutating func add(_ field: UInt64, _ value: [UInt8]) {
    variable(field << 3 | 2)
    variable(UInt64(value.count))
    bytes += value
  }

  mutating func add(_ field: UInt64, _ value: Float) {
    variable(field << 3 | 5)
    bytes += littleEndian(value.bitPattern)
  }

  private mutating func variable(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

/// The cyclic redundancy check of Castagnoli's polynomial, bit by bit: events are short.
package func crc32C(_ bytes: some Sequence<UInt8>) -> UInt32 {
  var checksum = ~(0 as UInt32)
  for byte in bytes {
    checksum ^= UInt32(byte)
    for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 1 ? 0x82F6_3B78 : 0) }
  }
  return ~checksum
}

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian, Array.init)
}
