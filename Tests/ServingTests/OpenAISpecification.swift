import Foundation
import PrimerTokenizers
import TestSupport
import Yams

@testable import PrimerServing

/// OpenAI's own description of its API, and where a shape of ours says something else.
struct OpenAISpecification {
  private let schemas: Node

  /// - Parameter url: `openapi.yaml`.
  init(_ url: URL) throws {
    let text = try String(contentsOf: url, encoding: .utf8)
    schemas = try Yams.compose(yaml: text)?["components"]?["schemas"] ?? [:]
  }

  /// One kind of value that a schema allows.
  private struct Alternative {
    var type = ""
    var schema: Node = [:]
    var properties: [(name: String, schema: Node)] = []
    var required: Set<String> = []

    /// What the member `name` has to be, where it is a constant.
    func tag(_ name: String) -> String? {
      guard let values = properties.first(where: { $0.name == name })?.schema["enum"]?.sequence
      else { return nil }
      return values.count == 1 ? values[0].string : nil
    }
  }

  private func alternatives(_ node: Node) -> [Alternative] {
    if let reference = node["$ref"]?.string?.split(separator: "/").last {
      return alternatives(schemas[String(reference)] ?? [:])
    }
    for key in ["anyOf", "oneOf"] {
      // Beside properties of its own, a schema only says which of them go together.
      if let options = node[key]?.sequence, node["properties"] == nil {
        return options.flatMap(alternatives).filter { $0.type != "null" }
      }
    }
    if let parts = node["allOf"]?.sequence {
      let all = parts.compactMap { alternatives($0).first }
      return [
        all.reduce(into: Alternative(type: "object")) { whole, part in
          whole.properties.removeAll { own in part.properties.contains { $0.name == own.name } }
          whole.properties += part.properties
          whole.required.formUnion(part.required)
        }
      ]
    }
    let properties = (node["properties"]?.mapping ?? [:]).map { ($0.key.string ?? "", $0.value) }
    return [
      Alternative(
        type: node["type"]?.string ?? (properties.isEmpty ? "any" : "object"), schema: node,
        properties: properties,
        required: Set((node["required"]?.sequence ?? []).compactMap(\.string)))
    ]
  }

  /// Places where `shape` takes less or more than the schema of that name.
  func differences(_ shape: Shape, from name: String) -> Set<String> {
    differences(shape, schemas[name] ?? [:], "")
  }

  private func differences(_ shape: Shape, _ node: Node, _ path: String) -> Set<String> {
    alternatives(node).reduce(into: []) { $0.formUnion(differences(shape, $1, path)) }
  }

  private func differences(
    _ shape: Shape, _ specified: Alternative, _ path: String
  ) -> Set<String> {
    switch shape {
    case .any: return []
    case .nullable(let shape), .named(_, let shape): return differences(shape, specified, path)
    case .either(let shapes):
      // The alternative of the same kind that fits best is the one that is meant.
      let found = shapes.map { differences($0, specified, path) }
      let isOther = { (found: Set<String>) in found.contains("\(path): no \(specified.type)") }
      let kind = found.filter { !isOther($0) }
      // Another kind of value weighs more than another bound.
      let kinds = ["array", "boolean", "integer", "number", "object", "string"]
      func weight(_ found: Set<String>) -> Int {
        found.reduce(0) { sum, text in
          sum + (kinds.contains { text.hasSuffix(": no " + $0) } ? 100 : 1)
        }
      }
      return (kind.isEmpty ? found : kind).min { weight($0) < weight($1) } ?? []
    case .tagged(let tag, let forms):
      guard specified.type == "object" else { return ["\(path): no \(specified.type)"] }
      guard let value = specified.tag(tag), let form = forms.first(where: { $0.name == value })
      else { return ["\(path): no \(tag) \(specified.tag(tag) ?? "?")"] }
      return members([Field(tag, .choice([value]), required: true)] + form.fields, specified, path)
    case .object(let fields):
      guard specified.type == "object" else { return ["\(path): no \(specified.type)"] }
      return members(fields, specified, path)
    case .map(let shape, _):
      guard specified.type == "object" else { return ["\(path): no \(specified.type)"] }
      return differences(shape, specified.schema["additionalProperties"] ?? [:], path + ".*")
    case .list(let shape, let count):
      guard specified.type == "array" else { return ["\(path): no \(specified.type)"] }
      return differences(shape, specified.schema["items"] ?? [:], path + ".*")
        .union(bound(specified, "minItems", Double(count.lowerBound), path))
        .union(bound(specified, "maxItems", Double(count.upperBound), path))
    case .boolean: return specified.type == "boolean" ? [] : ["\(path): no \(specified.type)"]
    case .string(let longest):
      guard specified.type == "string" else { return ["\(path): no \(specified.type)"] }
      return bound(specified, "maxLength", longest.map(Double.init) ?? .infinity, path)
    case .name(let longest):
      guard specified.type == "string" else { return ["\(path): no \(specified.type)"] }
      return bound(specified, "maxLength", Double(longest), path)
    case .choice(let choices):
      guard specified.type == "string" else { return ["\(path): no \(specified.type)"] }
      let values = specified.schema["enum"]?.sequence?.compactMap(\.string)
      return Set(
        (values ?? ["any text"]).filter { !choices.contains($0) }.map { "\(path): no \($0)" })
    case .integer(let range):
      guard specified.type == "integer" else { return ["\(path): no \(specified.type)"] }
      return bound(specified, "minimum", Double(range.lowerBound), path)
        .union(bound(specified, "maximum", Double(range.upperBound), path))
    case .number(let range):
      guard ["number", "integer"].contains(specified.type) else {
        return ["\(path): no \(specified.type)"]
      }
      return bound(specified, "minimum", range.lowerBound, path)
        .union(bound(specified, "maximum", range.upperBound, path))
    }
  }

  private func bound(
    _ specified: Alternative, _ name: String, _ own: Double, _ path: String
  ) -> Set<String> {
    guard let bound = specified.schema[name]?.float,
      abs(bound - own) > 1e-6 * max(1, abs(bound))
    else { return [] }
    return ["\(path): \(name) is \(own), not \(bound)"]
  }

  private func members(
    _ fields: [Field], _ specified: Alternative, _ path: String
  ) -> Set<String> {
    var found: Set<String> = []
    for field in fields where !specified.properties.contains(where: { $0.name == field.name }) {
      found.insert("\(path).\(field.name): ours alone")
    }
    for (name, schema) in specified.properties {
      let place = path.isEmpty ? name : path + "." + name
      guard let field = fields.first(where: { $0.name == name }) else {
        found.insert("\(place): unknown to us")
        continue
      }
      if specified.required.contains(name) != field.isRequired {
        found.insert(
          "\(place): \(field.isRequired ? "required by us alone" : "not required by us")")
      }
      if case .refused = field.effect { continue }
      found.formUnion(differences(field.shape, schema, place))
      found.formUnion(standard(field, schema, place))
    }
    return found
  }

  /// What an absent value means.
  private func standard(_ field: Field, _ schema: Node, _ path: String) -> Set<String> {
    guard case .used = field.effect, !field.isRequired else { return [] }
    let all = [schema] + alternatives(schema).map(\.schema)
    guard let node = all.lazy.compactMap({ $0["default"] }).first, node.null == nil else {
      return []
    }
    let spelled = node.string.map { node.tag == Tag(.str) ? "\"\($0)\"" : $0 }
    guard spelled != field.standard else { return [] }
    return ["\(path): absent is \(field.standard ?? "nothing"), not \(spelled ?? "?")"]
  }
}
