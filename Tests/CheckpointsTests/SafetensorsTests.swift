import Foundation
import PrimerCheckpoints
import PrimerFiles
import PrimerTensors
import TestSupport
import Testing

@Suite("Safetensors files")
struct SafetensorsTests {
  let folder: TemporaryFolder
  let url: URL

  init() throws {
    folder = try TemporaryFolder()
    url = folder.url.appending(path: "a.safetensors")
  }

  /// A file of this header and so many bytes of elements.
  private func write(header: String, elements: Int, length: UInt64? = nil) throws {
    let count = withUnsafeBytes(of: (length ?? UInt64(header.utf8.count)).littleEndian) {
      Array($0)
    }
    try Data(count + Array(header.utf8) + [UInt8](repeating: 1, count: elements)).write(to: url)
  }

  /// What opening the file says, and the error if it is of the documented type.
  private func complaint() -> String {
    do {
      _ = try SafetensorsFile(url)
      return ""
    } catch let error as CheckpointError {
      return "\(error)"
    } catch {
      return "not a CheckpointError: \(error)"
    }
  }

  @Test("keep names, shapes, types, metadata and every bit")
  func roundTrip() throws {
    let values: [Float] = [0, -0.0, .leastNonzeroMagnitude, .infinity, 3.25, -1e38]
    let x = Tensor(values, shape: [2, 3])
    let tensors: [(name: String, tensor: Tensor)] = [
      ("f32", x), ("f16", x.converted(to: .float16)), ("bf16", x.converted(to: .bfloat16)),
      ("i32", Tensor([Int32.min, 7, .max], shape: [3])),
      ("scalar", Tensor(repeating: 2, shape: [])),
      ("nothing", Tensor(repeating: 0, shape: [0, 4])), ("odd \"name\"\n/é", x.transposed),
    ]
    try SafetensorsFile.write(tensors, metadata: ["format": "pt", "step": "7"], to: url)
    let file = try SafetensorsFile(url)
    #expect(file.metadata == ["format": "pt", "step": "7"])
    #expect(Set(file.names) == Set(tensors.map(\.name)))
    for (name, tensor) in tensors {
      let read = try #require(file.tensor(name))
      #expect(read.shape == tensor.shape && read.elementType == tensor.elementType)
      #expect(
        read.withBytes { Array($0) } == tensor.contiguous().withBytes { Array($0) }, "\(name)")
    }
    #expect(file.tensor("absent") == nil)
  }

  @Test("a file without padding, whose elements straddle words, is read all the same")
  func unaligned() throws {
    let header = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
    for padding in 0..<4 {
      try write(header: header + String(repeating: " ", count: padding), elements: 8)
      let tensor = try #require(try SafetensorsFile(url).tensor("a"))
      #expect(tensor.scalars == [Float](repeating: Float(bitPattern: 0x0101_0101), count: 2))
    }
  }

  @Test("tensors outlive the file they came from")
  func outlives() throws {
    try SafetensorsFile.write([("a", Tensor(repeating: 3, shape: [1000]))], to: url)
    let tensor = try SafetensorsFile(url).tensor("a")!
    try FileManager.default.removeItem(at: url)
    #expect(tensor.scalars.allSatisfy { $0 == 3 })
  }

  static let malformed: [(what: String, header: String, elements: Int, says: String)] = [
    (
      "bytes missing at its end", #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, 12,
      "'a'"
    ),
    (
      "bytes left over", #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, 12,
      "4 bytes at its end"
    ),
    (
      "tensors that overlap",
      #"{"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"I8","shape":[4],"data_offsets":[2,6]}}"#,
      6, "overlap"
    ),
    (
      "a gap between tensors",
      #"{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"I8","shape":[2],"data_offsets":[4,6]}}"#,
      6, "gap"
    ),
    (
      "a name that comes twice",
      #"{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"I8","shape":[2],"data_offsets":[2,4]}}"#,
      4, "twice"
    ),
    (
      "a name that comes twice for the same bytes",
      #"{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}}"#,
      2, "twice"
    ),
    (
      "a gap before the first tensor", #"{"a":{"dtype":"I8","shape":[2],"data_offsets":[2,4]}}"#, 4,
      "gap"
    ),
    (
      "offsets that are fractions", #"{"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2.5]}}"#, 2,
      "header"
    ),
    (
      "a shape that is no list", #"{"a":{"dtype":"I8","shape":2,"data_offsets":[0,2]}}"#, 2,
      "header"
    ),
    ("metadata that are no strings", #"{"__metadata__":{"a":1}}"#, 0, "metadata"),
    (
      "a header that begins with a space",
      #" {"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]}}"#, 2, "header"
    ),
    ("a header nested without end", String(repeating: "[", count: 100_000), 2, "header"),
    (
      "a shape whose product overflows",
      #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, 0, "'a'"
    ),
    (
      "a shape whose bytes overflow",
      #"{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}"#, 0, "'a'"
    ),
    (
      "an empty shape whose strides overflow",
      #"{"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}"#, 0, "'a'"
    ),
    (
      "a shape of more axes than any tensor's",
      #"{"a":{"dtype":"I8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}"#, 1,
      "'a': 9 axes (at most 8)"
    ),
    (
      "a shape of millions of axes",
      #"{"a":{"dtype":"I8","shape":[1"# + String(repeating: ",1", count: 2_000_000)
        + #"],"data_offsets":[0,1]}}"#, 1, "header is not the JSON of a safetensors file: more than"
    ),
    (
      "metadata of millions of values",
      #"{"__metadata__":[[]"# + String(repeating: ",[]", count: 2_000_000) + "]}", 0,
      "more than 2000000 values"
    ),
    ("a negative axis", #"{"a":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}"#, 8, "'a'"),
    (
      "a shape that is not its bytes", #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
      8, "'a'"
    ),
    (
      "offsets that run backwards", #"{"a":{"dtype":"I8","shape":[2],"data_offsets":[2,0]}}"#, 2,
      "'a'"
    ),
    ("offsets below 0", #"{"a":{"dtype":"I8","shape":[2],"data_offsets":[-2,0]}}"#, 2, "'a'"),
    ("one offset", #"{"a":{"dtype":"I8","shape":[2],"data_offsets":[2]}}"#, 2, "'a'"),
    (
      "an unknown type", #"{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}"#, 2,
      "F8_E4M3"
    ),
    ("a header that is no JSON", #"{"a":"#, 2, "header"),
    ("a header of another kind", #"[1, 2]"#, 2, "header"),
    ("an empty header", "", 2, "header"),
    ("a field missing", #"{"a":{"dtype":"I8","data_offsets":[0,2]}}"#, 2, "header"),
  ]

  @Test("are refused with a reason when damaged", arguments: malformed.indices)
  func damaged(index: Int) throws {
    let (what, header, elements, says) = Self.malformed[index]
    try write(header: header, elements: elements)
    let complaint = complaint()
    #expect(complaint.hasPrefix(url.path) && complaint.contains(says), "\(what): '\(complaint)'")
  }

  @Test("are refused when empty, short, foreign, or when their header has an absurd length")
  func foreign() throws {
    for length in [UInt64.max, 1 << 63, 100_000_001, 1000] {
      try write(header: "{}", elements: 4, length: length)
      #expect(complaint().contains("header of \(length) bytes"))
    }
    for bytes in [[], [1, 2, 3], Array("PK\u{3}\u{4} a zip file, as pickles are".utf8)] {
      try Data(bytes).write(to: url)
      #expect(complaint().hasPrefix(url.path))
      #expect(complaint().contains("safetensors"))
    }
    #expect(throws: FileError.missing(folder.url.appending(path: "b"))) {
      try SafetensorsFile(folder.url.appending(path: "b"))
    }
    #expect(throws: FileError.notAFile(folder.url)) { try SafetensorsFile(folder.url) }
  }

  @Test("may have eight axes")
  func axes() throws {
    try write(
      header: #"{"a":{"dtype":"I8","shape":[1,1,2,1,1,1,1,2],"data_offsets":[0,4]}}"#, elements: 4)
    #expect(try SafetensorsFile(url).tensor("a")?.shape == [1, 1, 2, 1, 1, 1, 1, 2])
  }

  @Test("are refused where the header has more entries than any model")
  func entries() throws {
    let entries = (0...100_000).map { #""\#($0)":{"dtype":"I8","shape":[0],"data_offsets":[0,0]}"# }
    try write(header: "{\(entries.joined(separator: ","))}", elements: 0)
    #expect(complaint().contains("100001 entries"))
  }

  @Test("pickles are refused by their names, with advice", arguments: ["bin", "pt", "ckpt", "pth"])
  func pickles(ending: String) throws {
    let url = try folder.file("model.\(ending)", "PK")
    #expect { try SafetensorsFile(url) } throws: {
      "\($0)".contains("pickle") && "\($0)".contains("safetensors")
    }
    #expect { try GGUFFile(url) } throws: { "\($0)".contains("pickle") && "\($0)".contains("GGUF") }
    _ = try folder.file("config.json", #"{"model_type": "llama"}"#)
    #expect { try ModelFolder(folder.url) } throws: { "\($0)".contains("model.\(ending)") }
  }

  @Test("damaged at random, they are read or refused, never worse")
  func fuzz() throws {
    try SafetensorsFile.write(
      [
        ("a", Tensor(repeating: 1, shape: [2, 3])),
        ("b", Tensor([1, 2, 3] as [Int32], shape: [3])),
        ("c", Tensor(repeating: 1, shape: [5]).converted(to: .float16)),
      ], to: url)
    let original = Array(try Data(contentsOf: url))
    let digits = Array("0123456789[]{},:\"-e.".utf8)
    var random = RandomSource(seed: 3)
    var round = 0
    let deadline = FuzzTime.deadline
    while round < 600 || ContinuousClock.now < deadline {
      round += 1
      var bytes = original
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[place] = digits.randomElement(using: &random)!
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(digits.randomElement(using: &random)!, at: place)
        default: bytes.removeSubrange(place...)
        }
        if bytes.isEmpty { break }
      }
      try Data(bytes).write(to: url)
      do {
        let file = try SafetensorsFile(url)
        for name in file.names {
          let tensor = file.tensor(name)!
          #expect(tensor.contiguous().withBytes { $0.reduce(0) { $0 &+ Int($1) } } >= 0)
        }
      } catch is CheckpointError {
      } catch { Issue.record("round \(round): \(error)") }
    }
  }

  @Test("are written whole or not at all")
  func atomic() throws {
    try SafetensorsFile.write([("a", Tensor(repeating: 1, shape: [4]))], to: url)
    let before = try Data(contentsOf: url)
    let inFile = url.appending(path: "below-a-file.safetensors")
    #expect(throws: FileError.self) {
      try SafetensorsFile.write([("a", Tensor(repeating: 2, shape: [4]))], to: inFile)
    }
    #expect(try Data(contentsOf: url) == before)
    #expect(try folder.contents == ["a.safetensors"])
  }
}
