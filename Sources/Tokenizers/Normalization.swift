import Foundation

/// What happens to a text before it is cut.
enum Normalization: String, Sendable {
  case none
  /// Canonical composition (Unicode Standard Annex 15).
  case nfc = "NFC"

  /// Whether a text may differ after it: ASCII never does.
  func changes(_ text: Span<UInt8>) -> Bool {
    self != .none && text.indices.contains { text[$0] >= 128 }
  }

  func apply(_ text: Span<UInt8>) -> [UInt8] {
    let text = text.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    return switch self {
    case .none: Array(text.utf8)
    case .nfc: Array(text.precomposedStringWithCanonicalMapping.utf8)
    }
  }
}
