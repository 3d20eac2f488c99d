import ArgumentParser
import Foundation
import PrimerModels
import PrimerTensors

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write a model as a Hugging Face folder or a GGUF file.",
    discussion: """
      Example:
        primer export --model model.gguf --output folder

      Weights keep their element types; in a folder, those in blocks become f32.
      """)

  @Option(help: "A model folder, a run folder, a .gguf file, or a name of 'primer models'.")
  var model: String

  @Option(help: "The .gguf file or the folder to write.")
  var output: String

  @OptionGroup var options: OutputOptions

  func run() throws {
    try options.run {
      try options.withThreads { try convert(model, to: output, as: nil, options) }
    }
  }
}

/// Writes a model elsewhere and reports how large it was and is.
func convert(
  _ model: String, to output: String, as type: ElementType?, _ options: OutputOptions
) throws {
  let (source, target) = (try ModelLocation.url(model), URL(filePath: output))
  try ModelConversion(source).write(to: target, as: type)
  try options.report([
    "path": .text(target.path),
    "bytes_before": .whole(try weightBytes(source)),
    "bytes_after": .whole(try weightBytes(target)),
  ])
}

/// Bytes of a GGUF file, or of a folder's weights.
private func weightBytes(_ url: URL) throws -> Int {
  let keys: Set<URLResourceKey> = [.isDirectoryKey, .fileSizeKey]
  let values = try url.resourceValues(forKeys: keys)
  guard values.isDirectory == true else { return values.fileSize ?? 0 }
  return try FileManager.default.contentsOfDirectory(
    at: url, includingPropertiesForKeys: Array(keys)
  ).filter { $0.pathExtension == "safetensors" }
    .reduce(0) { try $0 + ($1.resourceValues(forKeys: keys).fileSize ?? 0) }
}
