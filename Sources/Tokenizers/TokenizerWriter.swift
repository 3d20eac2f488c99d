public import Foundation
import PrimerFiles

extension Tokenizer {
  /// A tokenizer with one token for each character (Unicode scalar) of `text`, numbered by code
  /// point.
  public static func characters(of text: String) -> Tokenizer {
    Tokenizer(model: .characters(CharacterModel(of: text)))
  }

  /// Writes `tokenizer.json` and `tokenizer_config.json`, which Hugging Face `tokenizers` and
  /// `transformers` read, into a folder, which is made where it is missing; and a `chatTemplate` as
  /// `chat_template.jinja`. A template that the folder has already stays where none is given.
  /// - Throws: `FileError`.
  public func save(to folder: URL, chatTemplate: String? = nil) throws {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw FileError.inputOutput(folder, action: "create", reason: FileError.reason(error))
    }
    try save(file: folder.appending(path: "tokenizer.json"))
    let file = folder.appending(path: "tokenizer_config.json")
    var kept: JSONValue?
    if chatTemplate == nil, FileManager.default.fileExists(atPath: file.path) {
      kept = try? parsed(file)["chat_template"]
    }
    try write(configuration(keeping: kept), to: file)
    if let chatTemplate {
      try write(chatTemplate, to: folder.appending(path: "chat_template.jinja"))
    }
  }

  /// Writes a `tokenizer.json` alone.
  /// - Throws: `FileError`.
  public func save(file: URL) throws { try write(document, to: file) }

  private func write(_ text: String, to file: URL) throws {
    try AtomicFile.write(text.utf8, to: file)
  }

  private func configuration(keeping template: JSONValue?) -> String {
    func content(_ id: Int32?) -> String {
      let token = addedTokens.first { $0.id == id }
      return token.map { JSONValue.quoted($0.content) } ?? "null"
    }
    return """
      {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": false,
        "model_max_length": 1000000000000000019884624838656,
        "bos_token": \(content(beginningOfText ?? endOfText)),
        "eos_token": \(content(endOfText)),
        "pad_token": \(content(endOfText)),
        "unk_token": \(content(model.unknown))\
      \(template.map { ",\n  \"chat_template\": \($0.text)" } ?? "")
      }

      """
  }

  package var document: String {
    let added = Dictionary(addedTokens.map { ($0.id, $0.content) }, uniquingKeysWith: { $1 })
    return """
      {
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [\(addedTokens.map(\.document).joined(separator: ","))],
        "normalizer": \(model.normalizer(normalization)),
        "pre_tokenizer": \(model.preTokenizer(addsLeadingSpace: addsLeadingSpace)),
        "post_processor": \(postProcessor),
        "decoder": \(model.decoder),
        "model": \(model.document(added))
      }

      """
  }

  private var postProcessor: String {
    guard !frame.before.isEmpty || !frame.after.isEmpty else { return "null" }
    func spelled(_ id: Int32) -> String {
      JSONValue.quoted(addedTokens.first { $0.id == id }?.content ?? decode([id]))
    }
    func parts(_ ids: [Int32], _ type: Int) -> [String] {
      ids.map { #"{"SpecialToken": {"id": \#(spelled($0)), "type_id": \#(type)}}"# }
    }
    func template(_ names: [String]) -> String {
      names.enumerated().flatMap { type, name in
        parts(frame.before, type)
          + [#"{"Sequence": {"id": "\#(name)", "type_id": \#(type)}}"#]
          + parts(frame.after, type)
      }.joined(separator: ", ")
    }
    let tokens = Set(frame.before + frame.after).sorted().map { id in
      #"\#(spelled(id)): {"id": \#(spelled(id)), "ids": [\#(id)], "tokens": [\#(spelled(id))]}"#
    }
    return """
      {
          "type": "TemplateProcessing",
          "single": [\(template(["A"]))],
          "pair": [\(template(["A", "B"]))],
          "special_tokens": {\(tokens.joined(separator: ", "))}
        }
      """
  }
}

extension AddedToken {
  fileprivate var document: String {
    """

        {"id": \(id), "content": \(JSONValue.quoted(content)), "single_word": \(singleWord), \
    "lstrip": \(stripsLeft), "rstrip": \(stripsRight), "normalized": \(normalized), \
    "special": \(special)}
    """
  }
}
