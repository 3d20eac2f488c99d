/// The functions that templates call, and the methods of what is no string.
extension TemplateInterpreter {
  static let functions = [
    "range", "dict", "namespace", "cycler", "joiner", "lipsum", "raise_exception", "strftime_now",
  ]

  func call(function name: String, _ arguments: TemplateArguments) throws -> TemplateValue {
    switch name {
    case "range": return try range(arguments)
    case "dict": return .dictionary(try TemplateDictionary(members(arguments, of: name), run))
    case "namespace":
      let namespace = TemplateNamespace()
      for (key, value) in try members(arguments, of: name) {
        guard let key = key.text else {
          throw TemplateFailure.wrong("a namespace's attributes need names")
        }
        try run.step(namespace.members.count >> 3)
        try namespace.set(key, to: value)
      }
      return .namespace(namespace)
    case "cycler":
      guard !arguments.positional.isEmpty, arguments.named.isEmpty else {
        throw TemplateFailure.wrong("cycler needs at least one item")
      }
      return .callable(.cycler(try TemplateCycler(arguments.positional)))
    case "joiner":
      let separator = try arguments.bound(to: "sep", of: name).text(0, default: ", ")
      return .callable(.joiner(TemplateJoiner(separator)))
    case "raise_exception":
      let message = try arguments.bound(to: "message", required: 1, of: name)[0]!
      throw TemplateFailure.refused(try run.printed(message))
    case "strftime_now":
      let format = try arguments.bound(to: "format", required: 1, of: name).text(0)
      try run.making(bytes: format.utf8.count)
      guard let text = clock.formatted(format) else {
        throw TemplateFailure.wrong("strftime_now does not know a field of '\(format.prefix(80))'")
      }
      return try run.made(text)
    default: throw TemplateFailure.wrong("'\(name)' is not supported in chat templates")
    }
  }

  /// As jinja2's sandbox, at most 100,000 numbers.
  private func range(_ arguments: TemplateArguments) throws -> TemplateValue {
    let bound = try arguments.bound(to: "start", "stop", "step", required: 1, of: "range")
    let hasStop = bound[1] != nil
    let start = hasStop ? try bound.integer(0) : 0
    let stop = try bound.integer(hasStop ? 1 : 0)
    let step = try bound.integer(2, default: 1)
    guard step != 0 else { throw TemplateFailure.wrong("a range's step cannot be zero") }
    let (span, overflow) = stop.subtractingReportingOverflow(start)
    let isEmpty = step > 0 ? stop <= start : stop >= start
    let count = isEmpty ? 0 : overflow ? UInt.max : (span.magnitude - 1) / step.magnitude + 1
    guard count <= 100_000 else {
      throw TemplateFailure.limit("a range has more than 100000 numbers")
    }
    try run.making(elements: Int(count))
    let numbers = (0..<Int(count)).map { TemplateValue.integer(start + $0 * step) }
    return .sequence(try TemplateSequence(.range, numbers))
  }

  /// What `dict` takes: a dictionary or pairs, and members by name.
  private func members(
    _ arguments: TemplateArguments, of function: String
  ) throws -> [(key: TemplateValue, value: TemplateValue)] {
    guard arguments.positional.count <= 1 else {
      throw TemplateFailure.wrong("\(function) takes at most one argument that has no name")
    }
    var members: [(key: TemplateValue, value: TemplateValue)] = []
    switch arguments.positional.first {
    case nil: break
    case .dictionary(let dictionary)?: members = dictionary.members
    case let value?:
      members = try run.elements(of: value).map { element in
        let pair = try run.elements(of: element)
        guard pair.count == 2 else { throw TemplateFailure.wrong("\(function) needs pairs") }
        return (pair[0], pair[1])
      }
    }
    try run.making(elements: members.count)
    return members + arguments.named.map { (.string($0.name), $0.value) }
  }
}

extension TemplateRun {
  func method(
    _ name: String, of value: TemplateValue, _ arguments: TemplateArguments
  ) throws -> TemplateValue {
    switch value {
    case .string, .markup: return try textMethod(name, of: value, arguments)
    case .dictionary(let dictionary): return try method(name, of: dictionary, arguments)
    case .sequence(let sequence): return try method(name, of: sequence, arguments)
    case .loop(let loop): return try method(name, of: loop, arguments)
    case .callable(.cycler(let cycler)):
      _ = try arguments.bound(of: name)
      let current = cycler.items[cycler.position]
      cycler.position = name == "next" ? (cycler.position + 1) % cycler.items.count : 0
      return name == "next" ? current : .none
    case .real(let number):
      _ = try arguments.bound(of: name)
      return .bool(number.isFinite && number == number.rounded())
    default: throw TemplateFailure.wrong("a \(value.typeName) has no method '\(name)'")
    }
  }

  private func method(
    _ name: String, of dictionary: TemplateDictionary, _ arguments: TemplateArguments
  ) throws -> TemplateValue {
    let members = dictionary.members
    if name == "get" {
      let bound = try arguments.bound(to: "key", "default", required: 1, of: name)
      return dictionary[try TemplateKey(bound[0]!, self)] ?? bound[1] ?? .none
    }
    _ = try arguments.bound(of: name)
    try making(elements: members.count)
    switch name {
    case "items":
      return .sequence(
        try TemplateSequence(.items, members.map { try .tuple([$0.key, $0.value]) }))
    case "keys": return .sequence(try TemplateSequence(.keys, members.map(\.key)))
    case "values": return .sequence(try TemplateSequence(.values, members.map(\.value)))
    default: return .dictionary(dictionary)
    }
  }

  private func method(
    _ name: String, of sequence: TemplateSequence, _ arguments: TemplateArguments
  ) throws -> TemplateValue {
    if name == "copy" { return .sequence(sequence) }
    let wanted = try arguments.bound(to: "value", required: 1, of: name)[0]!
    if name == "count" {
      return .integer(try sequence.elements.count { try isEqual($0, wanted) })
    }
    guard let place = try sequence.elements.firstIndex(where: { try isEqual($0, wanted) }) else {
      throw TemplateFailure.wrong("index: the value is not in the list")
    }
    return .integer(place)
  }

  private func method(
    _ name: String, of loop: TemplateLoopState, _ arguments: TemplateArguments
  ) throws -> TemplateValue {
    let values = arguments.positional
    if name == "cycle" {
      guard !values.isEmpty else { throw TemplateFailure.wrong("loop.cycle needs items") }
      return values[loop.index % values.count]
    }
    let last = loop.lastChanged
    loop.lastChanged = values
    guard let last, last.count == values.count else { return .bool(true) }
    return .bool(try !zip(last, values).allSatisfy { try isEqual($0, $1) })
  }
}
