import HTTPTypes
import PrimerTokenizers

@testable import PrimerServing

/// `Documentation/api.md`: the table of fields as a page for people.
struct APIReference {
  let routes: [Route]

  /// One line of a table.
  private struct Row {
    var path: String
    var kind: String
    var field: Field?
  }

  var text: String {
    var lines = [
      "# The API, field by field", "",
      "Written from the table that checks requests and makes `/openapi.json`; a test holds the two together. To write it anew:",
      "`PRIMER_WRITE_REFERENCE=1 swift test --filter APIReferenceTests`.", "",
      "An optional field may be null wherever it may be absent. Fields that do not stand here are refused by name.",
      "How to run the service, and what its answers promise: [serving.md](serving.md).", "",
    ]
    for route in routes { lines += section(route) }
    lines += ["## Shapes", ""]
    for (name, shape) in named.sorted(by: { $0.key < $1.key }) {
      lines += ["### \(name)", ""] + table(shape) + [""]
    }
    lines += effects("Accepted without effect", "without effect because") {
      if case .ignored(let reason) = $0.effect { reason } else { nil }
    }
    lines += effects("Refused", "refused because") {
      guard case .refused(let reason, let spellings) = $0.effect else { return nil }
      return spellings.isEmpty ? reason : "\(reason) Taken: \(spellings.joined(separator: ", "))."
    }
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: Addresses

  private func section(_ route: Route) -> [String] {
    var lines = ["## \(route.method.rawValue) \(route.path)", ""]
    var about = route.summary
    if case .scope(let scope) = route.access {
      about += " Scope: `\(scope.rawValue)`."
    } else {
      about += " Open to anybody."
    }
    let answers =
      [route.answer.map { kind($0) }, route.events.map { "events, each " + kind($0.data) }]
      .compactMap(\.self) + route.otherContent.map { "`\($0)`" }
    about += " Answers \(answers.joined(separator: "; or "))."
    lines += [about, ""]
    if !route.query.isEmpty {
      lines += ["Parameters of the query:", ""] + table(.object(route.query)) + [""]
    }
    if let body = route.body {
      if case .named(let name, _) = body {
        lines += ["Takes [\(name)](#\(name.lowercased())).", ""]
      } else {
        lines += table(body) + [""]
      }
    }
    return lines
  }

  private var named: [String: Shape] {
    var all = APIError.shape.named
    for route in routes {
      for shape in [route.body, route.answer, route.events?.data].compactMap(\.self) {
        all.merge(shape.named) { first, _ in first }
      }
    }
    return all
  }

  // MARK: Tables

  private func table(_ shape: Shape) -> [String] {
    let rows = rows(of: shape, at: "")
    guard !rows.isEmpty else { return [kind(shape) + "."] }
    return ["| field | what it is | absent | about |", "| --- | --- | --- | --- |"]
      + rows.map { row in
        let absent = row.field.map {
          $0.isRequired ? "required" : $0.standard.map { "`\($0)`" } ?? ""
        }
        let about = row.field?.description ?? ""
        return "| `\(row.path)` | \(row.kind) | \(absent ?? "") | \(about) |"
      }
  }

  /// What stands below `path`; nothing of a shape that has a section of its own.
  private func rows(of shape: Shape, at path: String) -> [Row] {
    switch shape {
    case .named(_, let shape): return path.isEmpty ? rows(of: shape, at: path) : []
    case .nullable(let shape): return rows(of: shape, at: path)
    case .list(let shape, _): return rows(of: shape, at: path + "[]")
    case .map(let shape, _): return rows(of: shape, at: path + ".*")
    case .either(let shapes): return shapes.flatMap { rows(of: $0, at: path) }
    case .object(let fields):
      return fields.flatMap { field in
        let place = path.isEmpty ? field.name : path + "." + field.name
        return [Row(path: place, kind: kind(field.shape), field: field)]
          + (isTaken(field) ? rows(of: field.shape, at: place) : [])
      }
    case .tagged(let tag, let forms):
      return forms.flatMap { form in
        let place = (path.isEmpty ? "" : path + ".") + tag
        return [Row(path: place, kind: "`\(form.name)`, and then:")]
          + rows(of: .object(form.fields), at: path)
      }
    default: return []
    }
  }

  private func isTaken(_ field: Field) -> Bool {
    if case .refused = field.effect { false } else { true }
  }

  private func kind(_ shape: Shape) -> String {
    switch shape {
    case .any: "any JSON"
    case .boolean: "true or false"
    case .string(let longest): longest.map { "text of at most \($0) characters" } ?? "text"
    case .name(let longest): "name of at most \(longest) characters: a to z, digits, `_`, `-`"
    case .choice(let choices): choices.map { "`\($0)`" }.joined(separator: ", ")
    case .integer(let range):
      switch (range.lowerBound, range.upperBound) {
      case (.min, .max): "whole number"
      case (let low, .max): "whole number from \(low)"
      case (let low, let high): "whole number, \(low) to \(high)"
      }
    case .number(let range):
      range.upperBound == .greatestFiniteMagnitude
        ? "number" : "number, \(range.lowerBound) to \(range.upperBound)"
    case .list(let shape, let count):
      "list of \(kind(shape))"
        + (count.lowerBound == 0 && count.upperBound == Shape.longestList
          ? ""
          : count.upperBound == Shape.longestList
            ? ", at least \(count.lowerBound)"
            : ", \(count.lowerBound) to \(count.upperBound) of them")
    case .map(let shape, let longest): "names with \(kind(shape)), at most \(longest)"
    case .object: "object"
    case .tagged(let tag, _): "object by `\(tag)`"
    case .either(let shapes): shapes.map(kind).joined(separator: "; or ")
    case .nullable(let shape): kind(shape) + ", or null"
    case .named(let name, _): "[\(name)](#\(name.lowercased()))"
    }
  }

  // MARK: Effects

  /// The fields of requests that `reason` gives a reason for, each once an address.
  private func effects(
    _ title: String, _ heading: String, _ reason: (Field) -> String?
  ) -> [String] {
    var lines = ["## \(title)", "", "| address | field | \(heading) |", "| --- | --- | --- |"]
    for route in routes {
      let body = route.body.map { allFields(of: $0, at: "") } ?? []
      for (path, field) in route.query.map({ ($0.name, $0) }) + body {
        guard let text = reason(field) else { continue }
        lines.append("| `\(route.method.rawValue) \(route.path)` | `\(path)` | \(text) |")
      }
    }
    return lines + [""]
  }

  private func allFields(of shape: Shape, at path: String) -> [(path: String, field: Field)] {
    switch shape {
    case .named(_, let shape), .nullable(let shape): return allFields(of: shape, at: path)
    case .list(let shape, _): return allFields(of: shape, at: path + "[]")
    case .either(let shapes): return unique(shapes.flatMap { allFields(of: $0, at: path) })
    case .tagged(_, let forms):
      return unique(forms.flatMap { allFields(of: .object($0.fields), at: path) })
    case .object(let fields):
      return fields.flatMap { field in
        let place = path.isEmpty ? field.name : path + "." + field.name
        return [(place, field)] + (isTaken(field) ? allFields(of: field.shape, at: place) : [])
      }
    default: return []
    }
  }

  private func unique(_ fields: [(path: String, field: Field)]) -> [(path: String, field: Field)] {
    var seen: Set<String> = []
    return fields.filter { seen.insert($0.path).inserted }
  }
}
