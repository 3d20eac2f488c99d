public import Foundation

/// What PyTorch computed, made by `scripts/make-goldens.py` and kept under `Tests/Goldens`.
public enum Goldens {
  public static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Goldens")

  /// A file of `folder`, "models/gpt2-gelu/logits.json".
  public static func file(_ path: String) -> URL { folder.appending(path: path) }

  public static func decoded<Value: Decodable>(
    _ path: String, as type: Value.Type = Value.self
  ) throws -> Value {
    try JSONDecoder().decode(type, from: Data(contentsOf: file(path)))
  }
}

/// An array of a golden file.
public struct GoldenArray: Decodable, Sendable {
  public enum Kind: String, Decodable, Sendable { case f32, i32 }
  public let shape: [Int]
  public let type: Kind
  let data: Data

  public var floats: [Float] {
    words.map { Float(bitPattern: $0) }
  }

  public var integers: [Int32] {
    words.map { Int32(bitPattern: $0) }
  }

  private var words: [UInt32] {
    data.withUnsafeBytes { bytes in
      stride(from: 0, to: bytes.count, by: 4).map {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self))
      }
    }
  }
}

/// An operation's inputs, its output, and the gradients that `output_gradient` causes.
public struct GoldenCase: Decodable, Sendable {
  public let inputs: [String: GoldenArray]
  public let output: GoldenArray
  public let outputGradient: GoldenArray
  /// Of the inputs that have one.
  public let gradients: [String: GoldenArray]

  private enum CodingKeys: String, CodingKey {
    case inputs, output, gradients
    case outputGradient = "output_gradient"
  }
}
