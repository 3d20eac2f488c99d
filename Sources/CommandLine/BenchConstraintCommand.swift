import ArgumentParser
import Foundation
import PrimerGeneration
import PrimerTokenizers

struct BenchConstraintCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "constraint",
    abstract: "Measure how long JSON schemas take to tell which tokens may come next.",
    discussion: """
      Each file holds an object with "schema" and "tests", whose elements have "data" and "valid", or a list \
      of such objects, as the JSON Schema test suite and MaskBench have them. Each valid instance is read \
      token by token, and before each token a mask is asked for.

      Example: primer bench constraint --model smollm2-135m-instruct tests/*.json
      """)

  @Option(help: "A model's folder, a .gguf file, a tokenizer's file, or a name of the catalogue.")
  var model: String
  @Argument(help: "Files of schemas.", transform: { URL(filePath: $0) }) var files: [URL]
  @OptionGroup var options: OutputOptions

  private struct Times {
    /// Seconds of each mask asked for under a constraint just made, and of all others.
    var first: [Double] = []
    var again: [Double] = []
    var compile: [Double] = []
    var refused = 0

    /// Notes how long masks take on the way through `tokens`; whether they fit.
    mutating func read(_ tokens: [Int32], _ constraint: CompiledConstraint, isFirst: Bool) -> Bool {
      let text = constraint.begin()
      for token in tokens {
        let begun = ContinuousClock.now
        let mask = text.mask()
        let seconds = begun.duration(to: .now) / .seconds(1)
        if isFirst { first.append(seconds) } else { again.append(seconds) }
        guard mask[token], text.accept(token) else { return false }
      }
      return text.isComplete
    }
  }

  func run() throws {
    try options.run {
      let file = URL(filePath: model)
      let isFile = FileManager.default.fileExists(atPath: file.path)
      let tokenizer = try ModelLocation.tokenizer(isFile ? file : ModelLocation.url(model))
      let begun = ContinuousClock.now
      let compiler = ConstraintCompiler(tokenizer: tokenizer)
      let treeSeconds = begun.duration(to: .now) / .seconds(1)
      var times = Times()
      for file in files {
        for group in try groups(of: file) { try measure(group, compiler, tokenizer, &times) }
      }
      try report(times, treeSeconds)
    }
  }

  /// Schemas with their instances.
  private func groups(of file: URL) throws -> [JSONValue] {
    let document: JSONValue
    do {
      document = try JSONValue(parsing: TextInput.bytes(of: file), deepest: 512)
    } catch let problem as JSONProblem {
      throw CommandFailure(
        exitStatus: .badData, description: "\(file.path): not JSON: \(problem)")
    }
    let groups = document.array ?? [document]
    guard groups.contains(where: { $0["schema"] != nil }) else {
      throw CommandFailure(
        exitStatus: .badData,
        description: """
          \(file.path): no object with a "schema" and its "tests"; wrap a plain schema: \
          {"schema": ..., "tests": [{"data": ..., "valid": true}]}
          """)
    }
    return groups
  }

  private func measure(
    _ group: JSONValue, _ compiler: ConstraintCompiler, _ tokenizer: Tokenizer, _ times: inout Times
  ) throws {
    guard let schema = group["schema"] else { return }
    let begun = ContinuousClock.now
    guard let constraint = try? compiler.jsonSchema(Array(schema.text.utf8)) else {
      times.refused += 1
      return
    }
    times.compile.append(begun.duration(to: .now) / .seconds(1))
    for isFirst in [true, false] {
      for test in group["tests"]?.array ?? [] where test["valid"]?.bool == true {
        guard let data = test["data"] else { continue }
        _ = times.read(try tokenizer.encode(data.text), constraint, isFirst: isFirst)
      }
    }
  }

  private func report(_ times: Times, _ treeSeconds: Double) throws {
    func microseconds(_ seconds: [Double], _ share: Double? = nil) -> ReportedValue {
      guard !seconds.isEmpty else { return .real(0) }
      let place = share.map { Int(Double(seconds.count - 1) * $0) }
      return .real(
        1e6 * (place.map { seconds.sorted()[$0] } ?? seconds.reduce(0, +) / Double(seconds.count)))
    }
    try options.report([
      "schemas": .whole(times.compile.count), "refused": .whole(times.refused),
      "masks": .whole(times.first.count), "mask_microseconds": microseconds(times.first),
      "mask_microseconds_p99": microseconds(times.first, 0.99),
      "mask_again_microseconds": microseconds(times.again),
      "compile_microseconds": microseconds(times.compile),
      "tree_seconds": .real(treeSeconds),
    ])
  }
}
