public import Foundation
internal import PrimerFiles

extension ChatTemplate {
  /// The template of a model's folder: `chat_template.jinja`, or what `tokenizer_config.json` has
  /// under `chat_template`. Where that is a list of named templates, `tool_use` is taken for a
  /// conversation with tools, otherwise `default`.
  ///
  /// Throws `ChatTemplateError`.
  public static func load(from folder: URL, withTools: Bool = false) throws -> ChatTemplate {
    let additional = folder.appending(path: "additional_chat_templates/tool_use.jinja")
    let file = folder.appending(path: "chat_template.jinja")
    let manager = FileManager.default
    for candidate in withTools ? [additional, file] : [file]
    where manager.fileExists(atPath: candidate.path) {
      return try ChatTemplate(source: text(of: candidate), name: candidate.path)
    }
    let configuration = folder.appending(path: "tokenizer_config.json")
    guard manager.fileExists(atPath: configuration.path) else {
      throw ChatTemplateError.missing(path: folder.path)
    }
    let root: JSONValue
    do {
      root = try JSONValue(parsing: Array(text(of: configuration).utf8))
    } catch let problem as JSONProblem {
      throw ChatTemplateError.malformed(path: configuration.path, reason: "\(problem)")
    }
    guard let entry = root["chat_template"] else {
      throw ChatTemplateError.missing(path: folder.path)
    }
    let source = try chosen(entry, path: configuration.path, withTools: withTools)
    return try ChatTemplate(source: source, name: configuration.path + ", chat_template")
  }

  private static func text(of file: URL) throws -> String {
    let bytes: Data
    do {
      bytes = try Data(contentsOf: file)
    } catch {
      throw ChatTemplateError.unreadable(path: file.path, reason: FileError.reason(error))
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ChatTemplateError.malformed(path: file.path, reason: "the text is not UTF-8")
    }
    return text
  }

  /// One template of an entry that is one, or a list of `{name, template}`.
  private static func chosen(
    _ entry: JSONValue, path: String, withTools: Bool
  ) throws -> String {
    if let source = entry.string { return source }
    guard let list = entry.array else {
      throw ChatTemplateError.malformed(
        path: path, reason: "chat_template is neither a text nor a list of named texts")
    }
    var named: [String: String] = [:]
    for item in list {
      guard let name = item["name"]?.string, let source = item["template"]?.string else {
        throw ChatTemplateError.malformed(
          path: path, reason: "an entry of chat_template has no name or no template")
      }
      named[name] = source
    }
    guard let source = (withTools ? named["tool_use"] : nil) ?? named["default"] else {
      throw ChatTemplateError.malformed(
        path: path, reason: "chat_template has no template called 'default'")
    }
    return source
  }
}
