import ArgumentParser
import Foundation
import PrimerCatalogue
import PrimerTokenizers

struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "What is in the catalogue and in the cache.",
    discussion: """
      Example:
        primer models

      Any name listed here can be given as --model once it was pulled.
      """)

  @OptionGroup var options: OutputOptions

  private struct Row {
    let name, license, summary: String
    let path: String?
    let parameters: Int?
    let bytes: Int
  }

  private var rows: [Row] {
    let cache = ModelCache.standard
    let known = ModelCatalogue.builtIn.models.map { model in
      Row(
        name: model.name, license: model.license, summary: model.summary,
        path: cache.path(model.name)?.path, parameters: model.parameters, bytes: model.bytes)
    }
    let names = Set(known.map(\.name))
    let own = cache.records.filter { !names.contains($0.name) }.map { record in
      Row(
        name: record.name, license: record.license ?? "see its source",
        summary: "from \(record.source)", path: cache.path(record.name)?.path,
        parameters: record.parameters, bytes: record.bytes)
    }
    return known + own
  }

  func run() throws {
    try options.run {
      let text = options.json ? document : table
      try StandardOutput.write(text + "\n")
    }
  }

  private var document: String {
    func quoted(_ text: String?) -> String { text.map(JSONValue.quoted) ?? "null" }
    let models = rows.map { row in
      "{\"name\": \(quoted(row.name)), \"path\": \(quoted(row.path)), \"parameters\": "
        + "\(row.parameters.map(String.init) ?? "null"), \"license\": \(quoted(row.license)), "
        + "\"bytes\": \(row.bytes), \"summary\": \(quoted(row.summary))}"
    }
    return "{\"models\": [\(models.joined(separator: ", "))]}"
  }

  private var table: String {
    let rows = rows
    let width = rows.map(\.name.count).max() ?? 0
    return rows.map { row in
      let name = row.name.padding(toLength: width, withPad: " ", startingAt: 0)
      let size = String(format: "%7.1f MB", Double(row.bytes) / 1e6)
      return "\(row.path == nil ? " " : "●") \(name)  \(size)  \(row.license)  \(row.summary)"
        + (row.path == nil ? "" : "\n  \(String(repeating: " ", count: width))  \(row.path!)")
    }.joined(separator: "\n") + "\n\n● is on this machine; 'primer pull NAME' fetches the others."
  }
}
