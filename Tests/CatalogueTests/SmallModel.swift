import Foundation
import Synchronization
import TestSupport

/// Models of a few kilobytes, as their files' bytes.
enum SmallModel {
  /// A GGUF file without tensors, which differs from others by the name in its metadata.
  static func gguf(_ name: String) -> [UInt8] {
    func bytes(_ number: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }
    func string(_ text: String) -> [UInt8] { bytes(UInt64(text.utf8.count)) + text.utf8 }
    let kindOfString: UInt32 = 8
    return Array("GGUF".utf8) + bytes(UInt32(3)) + bytes(UInt64(0)) + bytes(UInt64(1))
      + string("general.name") + bytes(kindOfString) + string(name)
  }

  /// A model folder of the goldens.
  static func folder(_ golden: String) throws -> [String: [UInt8]] {
    var files: [String: [UInt8]] = [:]
    for name in ["config.json", "model.safetensors"] {
      files[name] = [UInt8](try Data(contentsOf: Goldens.file("models/\(golden)/\(name)")))
    }
    return files
  }
}

extension SmallServer {
  /// Adds a repository as the hub lists and gives it.
  ///
  /// - Parameter hashes: of files that are in large-file storage.
  func add(_ repository: String, _ files: [String: [UInt8]], hashes: [String: String] = [:]) {
    let entries = files.keys.sorted().map { name in
      let large = hashes[name].map { ", \"lfs\": {\"oid\": \"\($0)\"}" } ?? ""
      return "{\"type\": \"file\", \"path\": \"\(name)\", \"size\": \(files[name]!.count)\(large)}"
    }
    let listing =
      "[{\"type\": \"directory\", \"path\": \"onnx\"}, "
      + entries.joined(separator: ", ") + "]"
    behaviour.withLock { behaviour in
      behaviour.files["/api/models/\(repository)/tree/main"] = Array(listing.utf8)
      for (name, bytes) in files {
        behaviour.files["/\(repository)/resolve/main/\(name)"] = bytes
      }
    }
  }
}
