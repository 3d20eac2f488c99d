internal import Foundation
internal import PrimerCheckpoints
internal import PrimerGeneration
internal import PrimerModels
internal import PrimerTensors
internal import PrimerTokenizers
internal import TestSupport

/// Readers that are given a file.
enum FileReaders {
  private static func written(_ bytes: [UInt8], _ name: String, _ folder: URL) throws -> URL {
    let url = folder.appending(path: name)
    try Data(bytes).write(to: url)
    return url
  }

  static func gguf(_ bytes: [UInt8], _ folder: URL) throws {
    let url = try written(bytes, "model.gguf", folder)
    let file = try GGUFFile(url, unknownTypes: .listed)
    for key in file.metadata.keys {
      let array = file.metadata[key]?.array
      touch(array?.elements.count, array?.integers?.count, array?.reals?.count)
      touch(array?.strings?.reduce(0) { $0 + $1.utf8.count })
    }
    for name in file.names {
      touch(file.tensor(name)?.withBytes { Int($0.first ?? 0) &+ Int($0.last ?? 0) })
    }
    var failure: (any Error)?
    var tokenizer: Tokenizer?
    do {
      tokenizer = try file.tokenizer()
      try use(tokenizer!)
    } catch { failure = error }
    try use(ModelRegistry.load(url), tokenizer)
    if let failure { throw failure }
  }

  static func safetensors(_ bytes: [UInt8], _ folder: URL) throws {
    let file = try SafetensorsFile(written(bytes, "model.safetensors", folder))
    for name in file.names {
      let tensor = file.tensor(name)!.contiguous()
      touch(tensor.withBytes { Int($0.first ?? 0) &+ Int($0.last ?? 0) })
    }
  }

  /// The small model beside whose weights a config.json is put: one of its `model_type`.
  private static let models: [(type: String, folder: URL)] = {
    let folder = Goldens.file("models")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().compactMap { name in
      let model = folder.appending(path: name)
      return (try? ModelFolder(model)).map { ($0.modelType, model) }
    }
  }()

  static func configuration(_ bytes: [UInt8], _ folder: URL) throws {
    let text = String(decoding: bytes, as: UTF8.self)
    let model = models.first { text.contains("\"\($0.type)\"") } ?? models[0]
    let place = folder.appending(path: model.folder.lastPathComponent)
    if !FileManager.default.fileExists(atPath: place.path) {
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        at: model.folder.appending(path: "model.safetensors"),
        to: place.appending(path: "model.safetensors"))
    }
    _ = try written(bytes, "config.json", place)
    try use(ModelRegistry.load(place), nil)
  }

  static func tokenizer(_ bytes: [UInt8], _ folder: URL) throws {
    let tokenizer = try Tokenizer.load(from: written(bytes, "tokenizer.json", folder))
    touch(tokenizer.spelledTokens.count, tokenizer.spelledMerges.count)
    try use(tokenizer)
    try tokenizer.save(to: folder.appending(path: "saved"))
  }

  private static let texts = [
    "", "ab <s>ab</s> 日本\n", " \u{2581}ab  12 It's [CLS]", "a\u{301}\u{0}b\r\n\t1234",
  ]

  private static func use(_ tokenizer: Tokenizer) throws {
    for text in texts {
      do {
        let ids = try tokenizer.encode(text, framed: true)
        touch(tokenizer.decode(ids + [-1, .max], skippingSpecial: true).utf8.count)
        var decoder = StreamingDecoder(tokenizer)
        for id in ids { touch(decoder.append(id).utf8.count) }
      } catch TokenizerError.unknownCharacter {}
    }
  }

  /// Writes two tokens.
  private static func use(_ model: any LanguageModel, _ tokenizer: Tokenizer?) throws {
    touch(try model.configuration.count)
    let generator = try TextGenerator(model, tokenizer ?? .characters(of: "ab"))
    touch(try generator.generate([0, 1], maxTokens: 2, .greedy).tokens.count)
  }

  /// Keeps what was read from being left out.
  @inline(never)
  private static func touch(_ counts: Int?...) {
    precondition(counts.allSatisfy { $0 ?? 0 >= 0 })
  }
}
