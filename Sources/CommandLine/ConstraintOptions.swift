import ArgumentParser
import Foundation
import PrimerGeneration
import PrimerTokenizers

/// What a generated text has to look like.
struct ConstraintOptions: ParsableArguments {
  @Flag(help: "Write a JSON object.")
  var jsonObject = false

  @Option(
    help: ArgumentHelp(
      "Write JSON that satisfies this JSON Schema: a file, or the schema itself.",
      valueName: "file|schema"))
  var jsonSchema: String?

  @Option(help: ArgumentHelp("Write a text of this grammar in GBNF.", valueName: "file"))
  var grammar: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Write a text that this regular expression matches.", valueName: "pattern"))
  var regex: String?

  func validate() throws {
    let given = [jsonObject, jsonSchema != nil, grammar != nil, regex != nil].count { $0 }
    guard given <= 1 else {
      throw ValidationError("Give one of --json-object, --json-schema, --grammar and --regex.")
    }
  }

  /// The constraint asked for; nil where there is none.
  func constraint(for tokenizer: Tokenizer) throws -> CompiledConstraint? {
    guard jsonObject || jsonSchema != nil || grammar != nil || regex != nil else { return nil }
    let compiler = ConstraintCompiler(tokenizer: tokenizer)
    if let jsonSchema {
      let text = jsonSchema.trimmingPrefix { $0.isWhitespace }
      let isSchema = text.first == "{" || text == "true"
      return try compiler.jsonSchema(
        isSchema
          ? Array(jsonSchema.utf8) : TextInput.bytes(of: URL(filePath: jsonSchema)))
    }
    if let grammar {
      let text = String(validating: try TextInput.bytes(of: URL(filePath: grammar)), as: UTF8.self)
      guard let text else {
        throw CommandFailure(exitStatus: .badData, description: "\(grammar): not UTF-8")
      }
      return try compiler.grammar(text)
    }
    return try regex.map { try compiler.regex($0) } ?? compiler.jsonObject()
  }
}
