import Foundation
import PrimerTokenizers
import TestSupport
import Testing

/// llama.cpp's own vectors: a vocabulary without weights, texts, and their tokens.
@Suite("llama.cpp's vocabularies")
struct VocabularyVectorTests {
  /// `PRIMER_VOCABULARIES`: the folder `models` of llama.cpp's source; else the ones of the shared data.
  private static let folder: URL? =
    ProcessInfo.processInfo.environment["PRIMER_VOCABULARIES"].map { URL(filePath: $0) }
    ?? (SharedData.isPresent ? SharedData.file("ggml_vocab") : nil)

  /// Refused: Gemma 4's kind of vocabulary, and Command R's, which holds a token that spells no bytes.
  private static let unread: Set<String> = ["gemma-4", "command-r"]

  private static let names: [String] = {
    let files = folder.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0.path) }
    return (files ?? []).filter { $0.hasSuffix(".gguf") && files!.contains($0 + ".out") }
      .map { String($0.dropFirst("ggml-vocab-".count).dropLast(".gguf".count)) }
      .filter { !unread.contains($0) }.sorted()
  }()

  @Test("are read, and texts become the tokens that llama.cpp lists", arguments: names)
  func vectors(name: String) throws {
    let file = Self.folder!.appending(path: "ggml-vocab-\(name).gguf")
    let tokenizer = try Tokenizer(description: VocabularyGGUF(file).description())
    func text(_ ending: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(filePath: file.path + ending)), as: UTF8.self)
    }
    let inputs = try text(".inp").components(separatedBy: "\n__ggml_vocab_test__\n")
    let lines = try text(".out").split(separator: "\n", omittingEmptySubsequences: false)
    #expect(inputs.count > 40)
    for (input, line) in zip(inputs, lines) {
      let expected = line.split(separator: " ").compactMap { Int32($0) }
      #expect(try tokenizer.encode(input) == expected, "\(input.debugDescription)")
    }
  }
}
