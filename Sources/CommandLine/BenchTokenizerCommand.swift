import ArgumentParser
import Foundation
import PrimerTokenizers

struct BenchTokenizerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenizer",
    abstract: "Measure how fast a tokenizer encodes and decodes on one thread.",
    discussion: "Example: primer bench tokenizer --model tokenizer.json book.txt")

  @Option(help: "A model's folder, or a tokenizer's file.", transform: { URL(filePath: $0) })
  var model: URL
  @Option(
    parsing: .unconditional,
    help: "Characters a document: a text is cut into documents, as corpora are.")
  var document = 10_000
  @Option(parsing: .unconditional, help: "How often the text is encoded; the median counts.")
  var repetitions = 5
  @Argument(help: "A file of text.", transform: { URL(filePath: $0) }) var text: URL
  @OptionGroup var options: OutputOptions

  func validate() throws {
    guard document > 0, repetitions > 0 else {
      throw ValidationError("--document and --repetitions should be at least 1")
    }
  }

  func run() throws {
    try options.run {
      let loaded = ContinuousClock.now
      let tokenizer = try Tokenizer.load(from: model)
      let loadSeconds = loaded.duration(to: .now) / .seconds(1)
      let documents = cut(String(decoding: try TextInput.bytes(of: text), as: UTF8.self))
      let megabytes = Double(documents.reduce(0) { $0 + $1.utf8.count }) / 1e6
      guard megabytes > 0 else {
        throw CommandFailure(exitStatus: .badData, description: "\(text.path): an empty text")
      }
      let encoded = try documents.map { try tokenizer.encode($0) }
      let encode = try median { for document in documents { _ = try tokenizer.encode(document) } }
      let decode = median { for ids in encoded { _ = tokenizer.decodeBytes(ids) } }
      try options.report([
        "encode_megabytes_per_second": .real(megabytes / encode),
        "decode_megabytes_per_second": .real(megabytes / decode),
        "tokens": .whole(encoded.reduce(0) { $0 + $1.count }),
        "bytes": .whole(Int((megabytes * 1e6).rounded())),
        "load_seconds": .real(loadSeconds),
      ])
    }
  }

  private func cut(_ text: String) -> [String] {
    let scalars = text.unicodeScalars
    var documents: [String] = []
    var start = scalars.startIndex
    while start < scalars.endIndex {
      let end = scalars.index(start, offsetBy: document, limitedBy: scalars.endIndex)
      documents.append(String(scalars[start..<(end ?? scalars.endIndex)]))
      start = end ?? scalars.endIndex
    }
    return documents
  }

  /// Seconds that `body` takes, the median of the repetitions.
  private func median(_ body: () throws -> Void) rethrows -> Double {
    var seconds: [Double] = []
    for _ in 0..<repetitions {
      let begun = ContinuousClock.now
      try body()
      seconds.append(begun.duration(to: .now) / .seconds(1))
    }
    return seconds.sorted()[repetitions / 2]
  }
}
