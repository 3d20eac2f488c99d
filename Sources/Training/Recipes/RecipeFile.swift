import CRecipes
import Foundation
import Yams

extension Recipe {
  /// Where errors say that a value of `--set` came from.
  static let settingSource = "--set"

  /// Every key, in the order of files.
  public static var keys: [String] { RecipeKey.all.map(\.name) }

  /// Names of the recipes that are part of the program.
  public static var builtInNames: [String] { builtIn.map(\.name) }

  /// A built-in recipe by its name, or a file.
  public init(named name: String) throws {
    if let recipe = Self.builtIn.first(where: { $0.name == name }) {
      try self.init(yaml: recipe.yaml, source: "recipe \(name)")
      return
    }
    guard FileManager.default.fileExists(atPath: name) else {
      throw TrainingError.recipeMissing(name, builtIn: Self.builtInNames)
    }
    guard let yaml = try? String(contentsOfFile: name, encoding: .utf8) else {
      throw TrainingError.recipeUnreadable(source: name, reason: "not a text file in UTF-8")
    }
    try self.init(yaml: yaml, source: name)
  }

  /// Reads YAML: keys with single values. Keys left out keep their defaults.
  /// - Parameter source: what errors call it, such as the file's path.
  public init(yaml: String, source: String) throws {
    self.init()
    let node: Node?
    do {
      node = try Yams.compose(yaml: yaml)
    } catch {
      throw TrainingError.recipeUnreadable(source: source, reason: "not YAML: \(error)")
    }
    guard let mapping = (node ?? [:]).mapping else {
      throw TrainingError.recipeUnreadable(
        source: source, reason: "must be lines of \"key: value\"")
    }
    for (key, value) in mapping {
      let place = key.mark.map { "\(source):\($0.line)" } ?? source
      let name = key.string ?? "?"
      guard let text = value.scalar?.string else {
        throw TrainingError.badValue(
          key: name, value: value.sequence == nil ? "a mapping" : "a list",
          expected: RecipeKey.named(name)?.expected ?? "a single value", source: place)
      }
      try assign(name, text, source: place)
    }
    try check()
  }

  /// The recipe with keys set anew, each `KEY=VALUE`.
  public func applying(set settings: [String]) throws -> Recipe {
    var recipe = self
    for setting in settings {
      let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw TrainingError.badSetting(setting) }
      try recipe.assign(
        parts[0].trimmingCharacters(in: .whitespaces), String(parts[1]),
        source: Self.settingSource)
    }
    try recipe.check()
    return recipe
  }

  /// The whole recipe as YAML, which reads back as the same.
  public var yaml: String {
    RecipeKey.all.map { key in "\(key.name): \(Self.scalar(key.text(self)))\n" }.joined()
  }

  /// Key and value of every field as texts, for a report.
  public var fields: [(key: String, value: String)] {
    RecipeKey.all.map { ($0.name, $0.text(self)) }
  }

  private mutating func assign(_ name: String, _ text: String, source: String) throws {
    guard let key = RecipeKey.named(name) else {
      throw TrainingError.unknownKey(
        name, source: source, nearest: RecipeKey.nearest(to: name), known: Self.keys)
    }
    guard key.assign(&self, text) else {
      throw TrainingError.badValue(
        key: name, value: text, expected: key.expected, source: source)
    }
  }

  /// Quoted where a plain scalar would not do.
  private static func scalar(_ text: String) -> String {
    let plain = text.unicodeScalars.allSatisfy { character in
      character.isASCII
        && (character.properties.isAlphabetic || ("0"..."9").contains(character)
          || "._-+/".unicodeScalars.contains(character))
    }
    if plain && !text.isEmpty { return text }
    let quoted = text.unicodeScalars.map { character in
      switch character {
      case "\"": "\\\""
      case "\\": "\\\\"
      case "\n": "\\n"
      case "\t": "\\t"
      case "\r": "\\r"
      case _ where character.value < 0x20:
        "\\u" + String(0x10000 + character.value, radix: 16).dropFirst()
      default: String(character)
      }
    }
    return "\"" + quoted.joined() + "\""
  }

  private static let builtIn: [(name: String, yaml: String)] =
    (0..<primer_recipe_count()).map { number in
      let recipe = primer_recipe_at(number).pointee
      let bytes = UnsafeBufferPointer(start: recipe.bytes, count: recipe.length)
      return (String(cString: recipe.name), String(decoding: bytes, as: UTF8.self))
    }
}
