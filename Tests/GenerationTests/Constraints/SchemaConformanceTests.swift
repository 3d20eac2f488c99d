import Foundation
import PrimerGeneration
import PrimerTokenizers
import TestSupport
import Testing

@Suite("JSON Schema test suite")
struct SchemaConformanceTests {
  struct Group {
    let file: String
    let description: String
    let schema: JSONValue
    let tests: [(description: String, data: JSONValue, isValid: Bool)]

    var name: String { "\(file): \(description)" }
  }

  static func groups() throws -> [Group] {
    let folder = SharedData.file("json_schema_suite/tests/draft2020-12")
    let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)!
      .compactMap { $0 as? URL }.filter { $0.pathExtension == "json" }
      .sorted { $0.path < $1.path }
    return try files.flatMap { file in
      try JSONValue(parsing: [UInt8](Data(contentsOf: file))).array!.map { group in
        Group(
          file: file.path.replacingOccurrences(of: folder.path + "/", with: ""),
          description: group["description"]!.string!,
          schema: group.members!.first { $0.key == "schema" }!.value,
          tests: group["tests"]!.array!.map { test in
            (
              test["description"]!.string!, test.members!.first { $0.key == "data" }!.value,
              test["valid"]!.bool!
            )
          })
      }
    }
  }

  /// The value in some orders of its members.
  private func spellings(_ value: JSONValue) -> Set<String> {
    var random = SplitMix(state: 1)
    var result = [value.compact(), value.compact { $0.reversed() }]
    for _ in 0..<6 { result.append(value.compact { $0.shuffled(using: &random) }) }
    return Set(result)
  }

  @Test(
    "no instance that the suite calls invalid is accepted by a schema that is not refused",
    .enabled(if: SharedData.isPresent))
  func invalidInstances() throws {
    let compiler = ByteConstraints.compiler()
    var (supported, refused, valid, accepted) = (0, 0, 0, 0)
    for group in try Self.groups() {
      let constraint: CompiledConstraint
      do { constraint = try compiler.jsonSchema(group.schema) } catch ConstraintError.unsatisfiable
      {
        #expect(
          group.tests.allSatisfy { !$0.isValid } || group.file == "format.json", "\(group.name)")
        continue
      } catch is ConstraintError {
        refused += 1
        continue
      }
      supported += 1
      for test in group.tests {
        let fits = spellings(test.data).contains { constraint.accepts($0) }
        if test.isValid { (valid, accepted) = (valid + 1, accepted + (fits ? 1 : 0)) }
        #expect(test.isValid || !fits, "\(group.name): \(test.description)")
      }
    }
    print("JSON Schema suite: \(supported) schemas, \(refused) refused,", terminator: " ")
    print("\(accepted) of \(valid) valid instances may be generated as they stand")
    // What was measured; fewer would be a step back.
    #expect(supported >= 257 && accepted >= 756, "\(supported), \(accepted)")
  }

  @Test(
    "texts made at random under the suite's schemas satisfy them",
    .enabled(if: SharedData.isPresent))
  func randomTexts() throws {
    let compiler = ByteConstraints.compiler()
    var random = SplitMix(state: 7)
    var made = 0
    for group in try Self.groups() where !group.file.contains("format") {
      guard let constraint = try? compiler.jsonSchema(group.schema) else { continue }
      let validator = SchemaValidator(root: group.schema)
      for _ in 0..<12 {
        guard let text = constraint.randomText(&random) else { continue }
        made += 1
        let value = try #require(try? JSONValue(parsing: text), "\(group.name)")
        let fits = try validator.validates(value)
        #expect(fits, "\(group.name): \(String(decoding: text, as: UTF8.self))")
      }
    }
    #expect(made > 1000)
  }

  @Test(
    "the validator of these tests agrees with the suite wherever a schema is supported",
    .enabled(if: SharedData.isPresent))
  func validator() throws {
    let compiler = ByteConstraints.compiler()
    for group in try Self.groups() where !group.file.contains("optional") {
      guard (try? compiler.jsonSchema(group.schema)) != nil else { continue }
      let validator = SchemaValidator(root: group.schema)
      for test in group.tests {
        let fits = try validator.validates(test.data)
        #expect(fits == test.isValid, "\(group.name): \(test.description)")
      }
    }
  }
}
