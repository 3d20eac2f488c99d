import Foundation
import PrimerCheckpoints
import PrimerTensors
import TestSupport
import Testing

@Suite("Broken GGUF files")
struct BrokenGGUFTests {
  private static func string(_ text: String) -> [UInt8] { GGUFBytes.string(text) }
  private static func bytes(_ number: some FixedWidthInteger) -> [UInt8] { GGUFBytes.bytes(number) }

  private static func array(_ kind: UInt32, _ count: UInt64, _ payload: [UInt8]) -> [UInt8] {
    bytes(kind) + bytes(count) + payload
  }

  private typealias Tensor = GGUFBytes.TensorField

  /// What is wrong, how it is done, and a word of the refusal.
  static let kinds: [(what: String, make: @Sendable (inout GGUFBytes) -> Void, says: String)] = [
    ("a foreign beginning", { $0.magic = Array("GGML".utf8) }, "GGUF"),
    ("version 0", { $0.version = 0 }, "version 0"),
    ("version 1", { $0.version = 1 }, "version 1"),
    ("a future version", { $0.version = 4 }, "version 4"),
    ("big-endian byte order", { $0.version = UInt32(3).byteSwapped }, "big-endian"),
    ("too many tensors", { $0.tensorCount = .max }, "tensors"),
    ("a tensor more than there are", { $0.tensorCount = 3 }, "tensor 2"),
    ("too many pairs", { $0.pairCount = .max }, "metadata pairs"),
    (
      "65,537 pairs",
      { file in
        for number in 0..<65_537 { file.add("k\(number)", kind: 7, [1]) }
      }, "metadata pairs"
    ),
    (
      "an array above 16 Mi elements",
      {
        $0.add(
          "k", kind: 9,
          array(0, (16 << 20) + 1, [UInt8](repeating: 0, count: (16 << 20) + 1)))
      }, "'k'"
    ),
    ("a pair more than there are", { $0.pairCount = 17 }, "damaged"),
    ("a key longer than the file", { $0.pairs[0].key = bytes(UInt64.max) }, "key 0"),
    (
      "a key of 65,536 bytes", { $0.pairs[0].key = string(String(repeating: "k", count: 65_536)) },
      "key 0"
    ),
    ("an empty key", { $0.pairs[0].key = string("") }, "empty"),
    ("a key that is not UTF-8", { $0.pairs[0].key = bytes(UInt64(1)) + [0xFF] }, "UTF-8"),
    ("a key that comes twice", { $0.add("a.bool", kind: 7, [1]) }, "twice"),
    ("an unknown kind of value", { $0.add("k", kind: 13, [0, 0, 0, 0]) }, "kind 13"),
    ("a bool of 2", { $0.add("k", kind: 7, [2]) }, "neither true nor false"),
    ("a string longer than the file", { $0.add("k", kind: 8, bytes(UInt64(1) << 40)) }, "'k'"),
    ("a string of 2^64 - 1 bytes", { $0.add("k", kind: 8, bytes(UInt64.max)) }, "'k'"),
    (
      "a string above 16 MiB",
      {
        $0.add(
          "k", kind: 8, bytes(UInt64(16 << 20) + 1) + [UInt8](repeating: 0, count: (16 << 20) + 1))
      }, "'k'"
    ),
    ("an array of an unknown kind", { $0.add("k", kind: 9, array(13, 1, [0])) }, "kind 13"),
    ("an array of 2^64 - 1 elements", { $0.add("k", kind: 9, array(10, .max, [])) }, "'k'"),
    ("an array whose bytes overflow", { $0.add("k", kind: 9, array(10, 1 << 61, [])) }, "'k'"),
    ("an array longer than the file", { $0.add("k", kind: 9, array(4, 10_000, [])) }, "'k'"),
    (
      "strings that run past the end",
      { $0.add("k", kind: 9, array(8, 2, string("x") + bytes(UInt64(1) << 33))) }, "'k'"
    ),
    (
      "arrays nested too deeply",
      { $0.add("k", kind: 9, (0..<20).reduce([]) { inner, _ in array(9, 1, inner) }) }, "deeper"
    ),
    (
      "an alignment of 0", { $0.add("general.alignment", kind: 4, bytes(UInt32(0))) },
      "power of two"
    ),
    (
      "an alignment of 24", { $0.add("general.alignment", kind: 4, bytes(UInt32(24))) },
      "power of two"
    ),
    (
      "an alignment of 2^31", { $0.add("general.alignment", kind: 4, bytes(UInt32(1) << 31)) },
      "power of two"
    ),
    (
      "an alignment that is a text", { $0.add("general.alignment", kind: 8, string("32")) },
      "power of two"
    ),
    (
      "a tensor's name of 65 bytes", { $0.tensors[0].name = String(repeating: "n", count: 65) },
      "name of tensor 0"
    ),
    ("a tensor without a name", { $0.tensors[0].name = "" }, "name of tensor 0"),
    ("a tensor that comes twice", { $0.tensors[1].name = "first" }, "twice"),
    ("five axes", { $0.tensors[0].axes = [1, 1, 1, 1, 1] }, "5 axes"),
    ("2^32 - 1 axes", { $0.tensors[0].axisCount = .max }, "axes"),
    ("a negative axis", { $0.tensors[0].axes = [8, UInt64(bitPattern: -1)] }, "'first'"),
    (
      "a shape whose product overflows", { $0.tensors[0].axes = [1 << 32, 1 << 32, 1 << 32] },
      "'first'"
    ),
    ("more than 2^40 elements", { $0.tensors[0].axes = [1 << 20, 1 << 21] }, "'first'"),
    ("an empty shape whose strides overflow", { $0.tensors[0].axes = [0, 1 << 62, 4] }, "'first'"),
    ("an unknown element type", { $0.tensors[0].type = 99 }, "type 99"),
    ("an element type that was removed", { $0.tensors[0].type = 4 }, "type 4"),
    ("rows that are no whole blocks", { $0.tensors[1].axes = [33, 2] }, "'second'"),
    ("an offset that is not aligned", { $0.tensors[1].offset = 65 }, "multiple of 32"),
    ("an offset past the end", { $0.tensors[1].offset = 1 << 40 }, "truncated"),
    ("an offset of 2^64 - 32", { $0.tensors[1].offset = .max - 31 }, "truncated"),
    ("tensors that overlap", { $0.tensors[1].offset = 32 }, "overlap"),
    ("too little data", { $0.data.removeLast() }, "truncated"),
    ("no data", { $0.data = [] }, "truncated"),
  ]

  @Test("are refused with a reason", arguments: kinds.indices)
  func broken(index: Int) throws {
    let (what, make, says) = Self.kinds[index]
    var file = GGUFBytes.sound
    make(&file)
    let folder = try TemporaryFolder()
    let url = try folder.file("a.gguf", file.file)
    do {
      _ = try GGUFFile(url)
      Issue.record("\(what): was accepted")
    } catch let error as CheckpointError {
      #expect("\(error)".hasPrefix(url.path) && "\(error)".contains(says), "\(what): \(error)")
    } catch { Issue.record("\(what): \(error)") }
  }

  @Test("cut off anywhere are refused")
  func truncated() throws {
    let folder = try TemporaryFolder()
    let whole = GGUFBytes.sound.file
    for count in 0..<whole.count {
      let url = try folder.file("a.gguf", Array(whole[..<count]))
      #expect(throws: CheckpointError.self) { try GGUFFile(url) }
    }
  }

  @Test("damaged at random are read or refused, never worse")
  func fuzz() throws {
    let folder = try TemporaryFolder()
    let original = GGUFBytes.sound.file
    let extremes: [UInt64] = [
      0, 1, 31, 1 << 31, 1 << 32, 1 << 40, 1 << 62, 1 << 63, .max - 31, .max,
    ]
    var random = RandomSource(seed: 11)
    let deadline = FuzzTime.deadline
    var round = 0
    while round < 1500 || ContinuousClock.now < deadline {
      round += 1
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
        case 4:
          let number = GGUFBytes.bytes(extremes.randomElement(using: &random)!)
          for (index, byte) in number.enumerated() where place + index < bytes.count {
            bytes[place + index] = byte
          }
        case 5:
          let end = Int.random(in: place..<bytes.count, using: &random)
          bytes.insert(contentsOf: bytes[place...end], at: place)
        default: bytes.removeSubrange(place...)
        }
      }
      let url = try folder.file("a.gguf", bytes)
      do { try walk(GGUFFile(url, unknownTypes: .listed)) } catch is CheckpointError {
      } catch { Issue.record("round \(round): \(error)") }
    }
  }

  /// Looks at all metadata and both ends of every tensor.
  private func walk(_ file: GGUFFile) throws {
    var total = 0
    for key in file.metadata.keys {
      let value = try #require(file.metadata[key])
      total &+= value.integer ?? value.string?.utf8.count ?? 0
      if let array = value.array {
        total &+= array.elements.count
        for string in array.strings.map(Array.init) ?? [] { total &+= string.utf8.count }
        total &+= array.integers?.count ?? array.reals?.count ?? array.booleans?.count ?? 0
      }
    }
    for name in file.names {
      guard let tensor = file.tensor(name) else { continue }
      total &+= tensor.withBytes { Int($0.first ?? 0) &+ Int($0.last ?? 0) }
    }
    _ = try? file.tokenizer()
    #expect(total != .min)
  }
}
