import Foundation
import PrimerCheckpoints
import PrimerTensors
import TestSupport
import Testing

@Suite("Written GGUF files")
struct GGUFWriterTests {
  let folder: TemporaryFolder
  let url: URL

  init() throws {
    folder = try TemporaryFolder()
    url = folder.url.appending(path: "a.gguf")
  }

  @Test("give back metadata of every kind and tensors of every element type")
  func roundTrip() throws {
    let source = try GGUFFile(folder.file("b.gguf", GGUFBytes.sound.file))
    var metadata = source.metadata
    metadata["general.alignment"] = .uint32(64)
    metadata["a.new"] = .array(GGUFArray(["x", "ü", ""]))
    let types = ElementType.allCases.filter { $0 != .bool && $0 != .int32 && $0 != .int8 }
    let x = Tensor((0..<512).map { cos(Float($0)) }, shape: [2, 256])
    var writer = try GGUFWriter(
      url, metadata: metadata,
      tensors: types.map { .init(name: "\($0)", shape: [2, 256], type: $0) }
        + [.init(name: "whole", shape: [3], type: .int32)])
    for _ in types { try writer.append(x) }
    try writer.append(Tensor([1, -2, 3] as [Int32], shape: [3]))
    try writer.commit()
    let file = try GGUFFile(url)
    #expect(file.metadata.keys == metadata.keys)
    for key in metadata.keys { #expect(file.metadata[key] == metadata[key], "\(key)") }
    for type in types {
      let expected = try x.encoded(as: type).withBytes { Array($0) }
      let tensor = try #require(file.tensor("\(type)"))
      #expect(tensor.elementType == type && tensor.withBytes { Array($0) } == expected, "\(type)")
    }
    #expect(file.tensor("whole")?.integers == [1, -2, 3])
    #expect(file.entries.values.allSatisfy { $0.range.lowerBound % 64 == 0 })
  }

  @Test("appear whole or not at all")
  func atomic() throws {
    func start() throws -> GGUFWriter {
      try GGUFWriter(
        url, metadata: GGUFMetadata(), tensors: [.init(name: "a", shape: [1, 32], type: .q8_0)])
    }
    _ = try start()
    #expect(try folder.contents.isEmpty)
    var writer = try start()
    #expect { try writer.append(Tensor(repeating: .nan, shape: [1, 32])) } throws: {
      "\($0)".contains("'a'") && "\($0)".contains("not a number")
    }
  }

  @Test("are refused where GGUF cannot hold a name, a shape or a type")
  func refusals() throws {
    let declarations: [GGUFWriter.Declaration] = [
      .init(name: String(repeating: "n", count: 64), shape: [1], type: .float32),
      .init(name: "a", shape: [1, 1, 1, 1, 1], type: .float32),
      .init(name: "a", shape: [1, 48], type: .q4_0), .init(name: "a", shape: [1], type: .bool),
    ]
    for declaration in declarations {
      #expect(throws: CheckpointError.self) {
        _ = try GGUFWriter(url, metadata: GGUFMetadata(), tensors: [declaration])
      }
    }
    #expect(try folder.contents.isEmpty)
  }

  @Test(
    "in other types keep metadata, norms as f32 and a head of six bits; rows get a type that fits")
  func reencoded() throws {
    var metadata = GGUFMetadata()
    metadata["general.architecture"] = .string("llama")
    metadata["split.count"] = .uint16(1)
    let shapes: [(String, [Int])] = [
      ("token_embd.weight", [4, 256]), ("output_norm.weight", [256]),
      ("blk.0.ffn_down.weight", [2, 256]), ("blk.0.attn_q.weight", [2, 96]),
      ("blk.0.attn_k.weight", [2, 40]), ("blk.0.ffn_gate_inp.weight", [2, 256]),
    ]
    let source = folder.url.appending(path: "source.gguf")
    var writer = try GGUFWriter(
      source, metadata: metadata,
      tensors: shapes.map { .init(name: $0.0, shape: $0.1, type: .float32) })
    for (_, shape) in shapes { try writer.append(Tensor(repeating: 0.5, shape: shape)) }
    try writer.commit()
    try GGUFFile(source).write(to: url, as: .q4_K)
    let file = try GGUFFile(url)
    #expect(file.names == shapes.map(\.0))
    #expect(
      file.names.map { file.entries[$0]?.elementType } == [
        .q6_K, .float32, .q4_K, .q5_0, .float16, .float32,
      ])
    #expect(file.metadata.integer("general.file_type") == 14 && file.metadata["split.count"] == nil)
    try GGUFFile(source).write(to: url, as: nil)
    #expect(try GGUFFile(url).entries.values.allSatisfy { $0.elementType == .float32 })
  }
}
