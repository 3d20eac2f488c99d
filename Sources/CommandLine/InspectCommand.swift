import ArgumentParser
import Foundation
import PrimerModels
import PrimerTokenizers

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect", abstract: "What a model is made of.",
    discussion: """
      Example:
        primer inspect model.gguf

      Of families that Primer does not run, too: tensors, types and sizes are shown.
      """)

  @Argument(help: "A model folder, a run folder, a .gguf file, or a name of 'primer models'.")
  var model: String

  @OptionGroup var options: OutputOptions

  func run() throws {
    try options.run {
      let inspection = try ModelInspection(ModelLocation.url(model))
      let text = options.json ? document(inspection) : description(inspection)
      try StandardOutput.write(text + "\n")
    }
  }

  private func document(_ inspection: ModelInspection) -> String {
    func number(_ value: Int?) -> String { value.map(String.init) ?? "null" }
    func quoted(_ text: String?) -> String { text.map(JSONValue.quoted) ?? "null" }
    let tensors = inspection.tensors.map {
      "{\"name\": \(quoted($0.name)), \"shape\": \($0.shape), \"type\": \(quoted($0.type))}"
    }
    let shape = inspection.shape
    let fields: [(String, String)] = [
      ("family", quoted(inspection.family)), ("format", quoted(inspection.format)),
      ("parameters", number(inspection.parameters)), ("bytes", number(inspection.byteCount)),
      ("supported", "\(shape != nil)"), ("problem", quoted(inspection.problem)),
      ("layers", number(shape?.layers)), ("width", number(shape?.width)),
      ("heads", number(shape?.heads)), ("key_value_heads", number(shape?.keyValueHeads)),
      ("context", number(shape?.context)), ("vocabulary", number(shape?.vocabulary)),
      ("tokens", number(inspection.tokens)), ("chat_template", quoted(inspection.chatTemplate)),
      ("cache_bytes", number(inspection.cacheByteCount)),
      ("tensors", "[\(tensors.joined(separator: ", "))]"),
    ]
    return "{" + fields.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
  }

  private func description(_ inspection: ModelInspection) -> String {
    func megabytes(_ bytes: Int) -> String { String(format: "%.1f MB", Double(bytes) / 1e6) }
    var lines = [
      "family:      \(inspection.family) (\(inspection.format))",
      "parameters:  \(inspection.parameters)",
      "types:       "
        + inspection.elementsByType.map { "\($0.type) \($0.count)" }.joined(separator: ", "),
    ]
    if let shape = inspection.shape {
      lines += [
        "shape:       \(shape.layers) layers, width \(shape.width), \(shape.heads) heads, "
          + "\(shape.keyValueHeads) key-value heads of \(shape.headWidth)",
        "vocabulary:  \(shape.vocabulary), context \(shape.context)",
      ]
    } else {
      lines.append("not run:     \(inspection.problem ?? "")")
    }
    lines.append(
      "tokenizer:   \(inspection.tokens.map { "\($0) tokens" } ?? "none that Primer reads"), "
        + "chat template: \(inspection.chatTemplate == nil ? "none" : "yes")")
    let cache = inspection.cacheByteCount.map { ", and \(megabytes($0)) for a full context in f16" }
    lines.append("memory:      \(megabytes(inspection.byteCount)) of weights\(cache ?? "")")
    let width = inspection.tensors.map(\.name.count).max() ?? 0
    lines += inspection.tensors.map {
      $0.name.padding(toLength: width, withPad: " ", startingAt: 0) + "  \($0.type)  \($0.shape)"
    }
    return lines.joined(separator: "\n")
  }
}
