/// Filters over what has elements.
extension TemplateFilters {
  static let sequences: [String: TemplateFilter] = [
    "length": { run, value, _ in .integer(try run.count(of: value)) },
    "count": { run, value, _ in .integer(try run.count(of: value)) },
    "first": { run, value, _ in
      if case .iterator(let iterator) = value {
        return iterator.next() ?? .undefined("no first item, the sequence was empty")
      }
      return try run.elements(of: value).first
        ?? .undefined("no first item, the sequence was empty")
    },
    "last": { run, value, _ in
      if case .iterator = value { throw TemplateFailure.wrong("a generator has no last item") }
      return try run.elements(of: value).last ?? .undefined("no last item, the sequence was empty")
    },
    "list": { run, value, _ in
      let elements = try run.elements(of: value)
      try run.making(elements: elements.count)
      return try .list(elements)
    },
    "reverse": { run, value, _ in
      if let text = value.text {
        return try run.made(String(scalars: text.unicodeScalars.reversed()))
      }
      return .iterator(try TemplateIterator(try run.elements(of: value).reversed()))
    },
    "items": { run, value, _ in
      switch value {
      case .undefined: return .iterator(try TemplateIterator([]))
      case .dictionary(let dictionary):
        try run.making(elements: dictionary.members.count)
        return .iterator(
          try TemplateIterator(dictionary.members.map { try .tuple([$0.key, $0.value]) }))
      default: throw TemplateFailure.wrong("items needs a dictionary, not a \(value.typeName)")
      }
    },
    "default": fallback, "d": fallback,
    "attr": { run, value, arguments in
      let name = try arguments.bound(to: "name", required: 1, of: "attr").text(0)
      return try run.ownAttribute(name, of: value)
        ?? .undefined("'\(value.typeName)' object has no attribute '\(name)'")
    },
    "dictsort": dictionarySort, "sort": sort, "unique": unique,
    "min": { try extreme("min", $0, $1, $2) }, "max": { try extreme("max", $0, $1, $2) },
    "sum": sum, "groupby": group, "batch": batch, "slice": slice,
  ]

  private static let fallback: TemplateFilter = { run, value, arguments in
    let bound = try arguments.bound(to: "default_value", "boolean", of: "default")
    let replacesFalse = bound[1].map(run.isTrue) ?? false
    let isMissing = value.isUndefined || (replacesFalse && !run.isTrue(value))
    return isMissing ? bound[0] ?? .string("") : value
  }

  private static let dictionarySort: TemplateFilter = { run, value, arguments in
    let bound = try arguments.bound(to: "case_sensitive", "by", "reverse", of: "dictsort")
    guard case .dictionary(let dictionary) = value else {
      throw TemplateFailure.wrong("dictsort needs a dictionary, not a \(value.typeName)")
    }
    let by = try bound.text(1, default: "key")
    guard by == "key" || by == "value" else {
      throw TemplateFailure.wrong("dictsort sorts by \"key\" or \"value\"")
    }
    let members = dictionary.members
    try run.making(elements: members.count)
    let isSensitive = bound[0].map(run.isTrue) ?? false
    let keys = members.map { run.key(by == "key" ? $0.key : $0.value, caseSensitive: isSensitive) }
    let pairs = try members.map { try TemplateValue.tuple([$0.key, $0.value]) }
    return try .list(
      run.sorted(pairs, by: keys, descending: bound[2].map(run.isTrue) ?? false))
  }

  private static let sort: TemplateFilter = { run, value, arguments in
    let bound = try arguments.bound(to: "reverse", "case_sensitive", "attribute", of: "sort")
    let elements = try run.elements(of: value)
    try run.making(elements: elements.count)
    let isSensitive = bound[1].map(run.isTrue) ?? false
    var paths: [TemplateValue] = []
    if let path = bound[2], !path.isNone {
      paths = path.text.map { PythonText.split($0, at: ",").map { .string($0) } } ?? [path]
    }
    let keys = try elements.map { element in
      guard !paths.isEmpty else { return run.key(element, caseSensitive: isSensitive) }
      return try .list(
        paths.map {
          run.key(try run.attribute(path: $0, of: element), caseSensitive: isSensitive)
        })
    }
    return try .list(
      run.sorted(elements, by: keys, descending: bound[0].map(run.isTrue) ?? false))
  }

  private static let unique: TemplateFilter = { run, value, arguments in
    let bound = try arguments.bound(to: "case_sensitive", "attribute", of: "unique")
    let isSensitive = bound[0].map(run.isTrue) ?? false
    var seen: Set<TemplateKey> = []
    let elements = try run.elements(of: value)
    try run.making(elements: elements.count)
    return .iterator(
      try TemplateIterator(
        elements.filter { element in
          let key = try run.attribute(path: bound[1], of: element)
          return seen.insert(try TemplateKey(run.key(key, caseSensitive: isSensitive), run))
            .inserted
        }))
  }

  private static func extreme(
    _ name: String, _ run: TemplateRun, _ value: TemplateValue, _ arguments: TemplateArguments
  ) throws -> TemplateValue {
    let bound = try arguments.bound(to: "case_sensitive", "attribute", of: name)
    let isSensitive = bound[0].map(run.isTrue) ?? false
    let elements = try run.elements(of: value)
    guard var best = elements.first else {
      return .undefined("no aggregated item, the sequence was empty")
    }
    func key(_ element: TemplateValue) throws -> TemplateValue {
      run.key(try run.attribute(path: bound[1], of: element), caseSensitive: isSensitive)
    }
    var bestKey = try key(best)
    for element in elements.dropFirst() {
      let candidate = try key(element)
      let isBetter =
        try name == "min" ? run.isLess(candidate, bestKey) : run.isLess(bestKey, candidate)
      if isBetter { (best, bestKey) = (element, candidate) }
    }
    return best
  }

  private static let sum: TemplateFilter = { run, value, arguments in
    let bound = try arguments.bound(to: "attribute", "start", of: "sum")
    var total = bound[1] ?? .integer(0)
    guard total.text == nil else { throw TemplateFailure.wrong("sum cannot begin with a string") }
    for element in try run.elements(of: value) {
      try run.step()
      total = try run.arithmetic(.add, total, run.attribute(path: bound[0], of: element))
    }
    return total
  }

  private static let group: TemplateFilter = { run, value, arguments in
    let bound = try arguments.bound(
      to: "attribute", "default", "case_sensitive", required: 1, of: "groupby")
    let isSensitive = bound[2].map(run.isTrue) ?? false
    func found(_ element: TemplateValue) throws -> TemplateValue {
      try run.attribute(path: bound[0], of: element, default: bound[1])
    }
    let elements = try run.elements(of: value)
    try run.making(elements: elements.count)
    let keys = try elements.map { run.key(try found($0), caseSensitive: isSensitive) }
    let order = try run.sorted(
      elements.indices.map { .integer($0) }, by: keys, descending: false)
    var groups: [(key: TemplateValue, members: [TemplateValue])] = []
    for case .integer(let place) in order {
      if let last = groups.last, try run.isEqual(last.key, keys[place]) {
        groups[groups.count - 1].members.append(elements[place])
      } else {
        groups.append((keys[place], [elements[place]]))
      }
    }
    return try .list(
      groups.map { try .tuple([found($0.members[0]), .list($0.members)]) })
  }

  private static let batch: TemplateFilter = { run, value, arguments in
    let bound = try arguments.bound(to: "linecount", "fill_with", required: 1, of: "batch")
    let size = try bound.integer(0)
    let elements = try run.elements(of: value)
    try run.making(elements: elements.count)
    guard size > 0 else { throw TemplateFailure.wrong("batch needs a count above zero") }
    var rows: [[TemplateValue]] = []
    for start in Swift.stride(from: 0, to: elements.count, by: min(size, elements.count + 1)) {
      let end = size < elements.count - start ? start + size : elements.count
      rows.append(Array(elements[start..<end]))
    }
    if let fill = bound[1], !fill.isNone, let last = rows.last, last.count < size {
      try run.making(elements: size)
      rows[rows.count - 1] += Array(repeating: fill, count: size - last.count)
    }
    return .iterator(try TemplateIterator(rows.map { try .list($0) }))
  }

  private static let slice: TemplateFilter = { run, value, arguments in
    let bound = try arguments.bound(to: "slices", "fill_with", required: 1, of: "slice")
    let count = try bound.integer(0)
    let elements = try run.elements(of: value)
    guard count != 0 else { throw TemplateFailure.wrong("slice needs a count that is not zero") }
    try run.making(elements: max(count, elements.count))
    let (size, extra) = (elements.count / max(count, 1), elements.count % max(count, 1))
    var parts: [TemplateValue] = []
    var start = 0
    for index in 0..<max(count, 0) {
      let end = start + size + (index < extra ? 1 : 0)
      var part = Array(elements[start..<end])
      if let fill = bound[1], !fill.isNone, index >= extra { part.append(fill) }
      parts.append(try .list(part))
      start = end
    }
    return .iterator(try TemplateIterator(parts))
  }

  // MARK: Filters that take filters or tests

  static let selections: [String: TemplateFilter] = [
    "map": map,
    "select": { try select($0, $1, $2, keeps: true, byAttribute: false) },
    "reject": { try select($0, $1, $2, keeps: false, byAttribute: false) },
    "selectattr": { try select($0, $1, $2, keeps: true, byAttribute: true) },
    "rejectattr": { try select($0, $1, $2, keeps: false, byAttribute: true) },
  ]

  private static let map: TemplateFilter = { run, value, arguments in
    guard run.isTrue(value) else { return .iterator(try TemplateIterator([])) }
    let elements = try run.elements(of: value)
    try run.making(elements: elements.count)
    if arguments.positional.isEmpty, let path = arguments["attribute"] {
      let bound = try arguments.bound(to: "attribute", "default", of: "map")
      return .iterator(
        try TemplateIterator(
          elements.map { try run.attribute(path: path, of: $0, default: bound[1]) }))
    }
    guard let name = arguments.positional.first?.text else {
      throw TemplateFailure.wrong("map needs the name of a filter")
    }
    var rest = arguments
    rest.positional.removeFirst()
    return .iterator(try TemplateIterator(elements.map { try run.filtered($0, by: name, rest) }))
  }

  private static func select(
    _ run: TemplateRun, _ value: TemplateValue, _ arguments: TemplateArguments, keeps: Bool,
    byAttribute: Bool
  ) throws -> TemplateValue {
    guard run.isTrue(value) else { return .iterator(try TemplateIterator([])) }
    var rest = arguments
    var path: TemplateValue?
    if byAttribute {
      guard let first = rest.positional.first else {
        throw TemplateFailure.wrong("an attribute's name is missing")
      }
      path = first
      rest.positional.removeFirst()
    }
    let name = rest.positional.first
    if name != nil { rest.positional.removeFirst() }
    let elements = try run.elements(of: value)
    try run.making(elements: elements.count)
    return .iterator(
      try TemplateIterator(
        elements.filter { element in
          let subject = try run.attribute(path: path, of: element)
          guard let name else { return run.isTrue(subject) == keeps }
          return try run.passes(subject, name.text ?? "", rest) == keeps
        }))
  }
}

extension TemplateRun {
  /// What a value is sorted by: strings without regard to case, unless asked.
  func key(_ value: TemplateValue, caseSensitive: Bool) -> TemplateValue {
    guard !caseSensitive, let text = value.text else { return value }
    return .string(text.lowercased())
  }

  /// What `path`, "name.0.other" or a number, leads to; the value itself where there is none.
  func attribute(
    path: TemplateValue?, of value: TemplateValue, default fallback: TemplateValue? = nil
  ) throws -> TemplateValue {
    try step()
    guard let path, !path.isNone else { return value }
    var parts = [path]
    if let text = path.text {
      parts = PythonText.split(text, at: ".").map { part in
        let isNumber = !part.isEmpty && part.utf8.allSatisfy { (48...57).contains($0) }
        return (isNumber ? Int(part) : nil).map { .integer($0) } ?? .string(part)
      }
    }
    var result = value
    for part in parts {
      try step()
      result = try item(part, of: result)
      if result.isUndefined, let fallback, !fallback.isNone { result = fallback }
    }
    return result
  }

  func filtered(
    _ value: TemplateValue, by name: String, _ arguments: TemplateArguments
  ) throws -> TemplateValue {
    try step()
    guard let filter = TemplateFilters.all[name] else {
      if let reason = TemplateFilters.refused[name] {
        throw TemplateFailure.wrong("the filter '\(name)' is not supported: \(reason)")
      }
      throw TemplateFailure.wrong("no filter is called '\(name)'")
    }
    return try nested { try filter(self, value, arguments) }
  }

  func passes(
    _ value: TemplateValue, _ name: String, _ arguments: TemplateArguments
  ) throws -> Bool {
    try step()
    guard let test = TemplateTests.all[name] else {
      throw TemplateFailure.wrong("no test is called '\(name)'")
    }
    return try test(self, value, arguments)
  }
}
