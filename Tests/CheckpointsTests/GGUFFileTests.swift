import Foundation
import PrimerCheckpoints
import PrimerFiles
import PrimerTensors
import PrimerTokenizers
import TestSupport
import Testing

@Suite("GGUF files")
struct GGUFFileTests {
  let folder: TemporaryFolder
  let url: URL

  init() throws {
    folder = try TemporaryFolder()
    url = folder.url.appending(path: "a.gguf")
  }

  @Test("give values of every kind, in the file's order")
  func values() throws {
    try Data(GGUFBytes.sound.file).write(to: url)
    let metadata = try GGUFFile(url).metadata
    #expect(metadata.keys.count == 16 && metadata.keys[0] == "general.architecture")
    #expect(metadata.string("general.architecture") == "llama")
    #expect(metadata["a.uint8"] == .uint8(200) && metadata["a.int8"] == .int8(-56))
    #expect(metadata.integer("a.uint16") == 60_000 && metadata.integer("a.int16") == -2)
    #expect(metadata.integer("a.uint32") == 4_294_967_295 && metadata.integer("a.int32") == -3)
    #expect(metadata.integer("a.uint64") == nil && metadata["a.uint64"] == .uint64(.max))
    #expect(metadata.integer("a.int64") == .min)
    #expect(metadata.real("a.float32") == 1.5 && metadata.real("a.float64") == .pi)
    #expect(metadata.boolean("a.bool") == true)
    #expect(metadata.strings("a.strings").map(Array.init) == ["é", "", "x"])
    #expect(metadata.strings("a.strings")?.flattened().starts == [0, 2, 2, 3])
    #expect(metadata.integers("a.int32s") == [-1, 7] && metadata.reals("a.int32s") == [-1, 7])
    #expect(metadata.booleans("a.bools") == [true, false])
    let nested = try #require(metadata.array("a.nested")).elements
    #expect(nested.map { $0.array?.integers } == [[9], [9]])
    #expect(metadata.string("absent") == nil && metadata.strings("a.int32s") == nil)
  }

  @Test("give tensors with the outermost axis first, in their own types, that outlive the file")
  func tensors() throws {
    try Data(GGUFBytes.sound.file).write(to: url)
    var file: GGUFFile? = try GGUFFile(url)
    #expect(file?.names == ["first", "second"])
    let (first, second) = (file!.tensor("first")!, file!.tensor("second")!)
    #expect(file?.tensor("absent") == nil)
    file = nil
    try FileManager.default.removeItem(at: url)
    #expect(first.shape == [2, 8] && first.elementType == .float32)
    #expect(first.scalars.allSatisfy { $0 == Float(bitPattern: 0x0101_0101) })
    #expect(second.shape == [1, 2, 32] && second.elementType == .q8_0)
    #expect(second.withBytes { Array($0) } == [UInt8](repeating: 1, count: 68))
  }

  @Test("of version 2, without tensors or with other alignments are read too")
  func variants() throws {
    var file = GGUFBytes.sound
    file.version = 2
    try Data(file.file).write(to: url)
    #expect(try GGUFFile(url).version == 2)
    try Data(GGUFBytes().header).write(to: url)
    #expect(try GGUFFile(url).names.isEmpty)
    for alignment in [1, 8, 4096] {
      var file = GGUFBytes(alignment: alignment)
      file.add("general.alignment", kind: 4, GGUFBytes.bytes(UInt32(alignment)))
      file.tensors = [.init()]
      file.data = [UInt8](repeating: 1, count: 128)
      try Data(file.file).write(to: url)
      #expect(try GGUFFile(url).tensor("a")?.scalars.first == Float(bitPattern: 0x0101_0101))
    }
  }

  @Test("of models in several files are opened by any of them")
  func split() throws {
    func part(_ number: UInt16, of count: UInt16, tensor: String) -> GGUFBytes {
      var file = GGUFBytes()
      file.add("split.no", kind: 2, GGUFBytes.bytes(number))
      file.add("split.count", kind: 2, GGUFBytes.bytes(count))
      if number == 0 { file.add("general.name", kind: 8, GGUFBytes.string("whole")) }
      file.tensors = [.init(name: tensor)]
      file.data = [UInt8](repeating: UInt8(number), count: 128)
      return file
    }
    func write(_ file: GGUFBytes, _ name: String) throws -> URL { try folder.file(name, file.file) }
    _ = try write(part(0, of: 2, tensor: "a"), "m-00001-of-00002.gguf")
    let second = try write(part(1, of: 2, tensor: "b"), "m-00002-of-00002.gguf")
    let file = try GGUFFile(second)
    #expect(file.names == ["a", "b"] && file.metadata.string("general.name") == "whole")
    #expect(file.tensor("b")?.withBytes { $0[0] } == 1)
    #expect { try GGUFFile(write(part(1, of: 2, tensor: "b"), "other.gguf")) } throws: {
      "\($0)".contains("rename")
    }
    _ = try write(part(1, of: 2, tensor: "a"), "m-00002-of-00002.gguf")
    #expect { try GGUFFile(second) } throws: { "\($0)".contains("two files") }
    _ = try write(part(0, of: 2, tensor: "b"), "m-00002-of-00002.gguf")
    #expect { try GGUFFile(second) } throws: { "\($0)".contains("file 2 of 2") }
    try FileManager.default.removeItem(at: second)
    #expect(throws: FileError.missing(second)) {
      try GGUFFile(folder.url.appending(path: "m-00001-of-00002.gguf"))
    }
  }

  @Test("with types that Primer does not read are refused by the type's name, or listed")
  func unknownTypes() throws {
    var file = GGUFBytes.sound
    file.tensors = [.init(axes: [256], type: 23)]
    file.data = [UInt8](repeating: 0, count: 136)
    try Data(file.file).write(to: url)
    #expect { try GGUFFile(url) } throws: {
      "\($0)".contains("IQ4_XS") && "\($0)".contains("Q4_K")
    }
    let listed = try GGUFFile(url, unknownTypes: .listed)
    #expect(listed.entries["a"]?.type.name == "IQ4_XS" && listed.tensor("a") == nil)
  }

  @Test(
    "of real vocabularies give their tokens",
    .enabled(if: SharedData.isPresent, "needs the shared test data"))
  func vocabulary() throws {
    let file = try GGUFFile(SharedData.file("ggml_vocab/ggml-vocab-gpt-2.gguf"))
    let tokens = try #require(file.metadata.strings("tokenizer.ggml.tokens"))
    #expect(tokens.count == 50_257 && tokens[0] == "!" && tokens[50_256] == "<|endoftext|>")
    #expect(file.metadata.strings("tokenizer.ggml.merges")?.first == "Ġ t")
    #expect(try file.tokenizer().encode("Hello world") == [15_496, 995])
  }
}
