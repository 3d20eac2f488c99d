/// The arguments of a call.
struct TemplateArguments {
  var positional: [TemplateValue] = []
  var named: [(name: String, value: TemplateValue)] = []

  subscript(name: String) -> TemplateValue? { named.first { $0.name == name }?.value }

  /// The arguments by the order of `names`; nil for those left out.
  func bound(
    to names: String..., required: Int = 0, of function: String
  ) throws -> TemplateBoundArguments {
    guard positional.count <= names.count else {
      throw TemplateFailure.wrong(
        "\(function) takes at most \(names.count) arguments, not \(positional.count)")
    }
    var values = positional.map(Optional.some)
    values += Array(repeating: nil, count: names.count - positional.count)
    for (name, value) in named {
      guard let place = names.firstIndex(of: name) else {
        throw TemplateFailure.wrong("\(function) has no argument '\(name)'")
      }
      guard values[place] == nil else {
        throw TemplateFailure.wrong("\(function) is given '\(name)' twice")
      }
      values[place] = value
    }
    if let missing = values.prefix(required).firstIndex(where: { $0 == nil }) {
      throw TemplateFailure.wrong("\(function) lacks its argument '\(names[missing])'")
    }
    return TemplateBoundArguments(function: function, names: names, values: values)
  }
}

/// Arguments by place, with the types that a function asks for.
struct TemplateBoundArguments {
  let function: String
  let names: [String]
  let values: [TemplateValue?]

  subscript(place: Int) -> TemplateValue? { values[place] }

  private func wrong(_ place: Int, _ expected: String) -> TemplateFailure {
    .wrong(
      "\(function): '\(names[place])' must be \(expected), not a "
        + "\(values[place]?.typeName ?? "missing value")")
  }

  /// nil where the argument is left out or None.
  func optionalText(_ place: Int) throws -> String? {
    guard let value = values[place] else { return nil }
    if case .none = value { return nil }
    guard let text = value.text else { throw wrong(place, "a string") }
    return text
  }

  func text(_ place: Int, default fallback: String? = nil) throws -> String {
    guard let text = values[place]?.text else {
      if values[place] == nil, let fallback { return fallback }
      throw wrong(place, "a string")
    }
    return text
  }

  /// nil where the argument is left out or None.
  func optionalInteger(_ place: Int) throws -> Int? {
    guard let value = values[place] else { return nil }
    if case .none = value { return nil }
    guard case .integer(let number)? = TemplateNumber(value) else {
      throw wrong(place, "a whole number")
    }
    return number
  }

  func integer(_ place: Int, default fallback: Int? = nil) throws -> Int {
    if values[place] == nil, let fallback { return fallback }
    guard let value = values[place], case .integer(let number)? = TemplateNumber(value) else {
      throw wrong(place, "a whole number")
    }
    return number
  }
}
