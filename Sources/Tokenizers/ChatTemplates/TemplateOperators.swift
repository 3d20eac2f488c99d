import Foundation

/// Python's arithmetic on values.
extension TemplateRun {
  func arithmetic(
    _ operation: TemplateArithmetic, _ a: TemplateValue, _ b: TemplateValue
  ) throws -> TemplateValue {
    if case .undefined(let reason) = a { throw TemplateFailure.wrong(reason) }
    if operation == .remainder, let format = a.text { return try made(formatted(format, with: b)) }
    if case .undefined(let reason) = b { throw TemplateFailure.wrong(reason) }
    if let a = TemplateNumber(a), let b = TemplateNumber(b) {
      return try numeric(operation, a, b)
    }
    switch operation {
    case .add: if let sum = try joined(a, b) { return sum }
    case .multiply:
      if case .integer(let count)? = TemplateNumber(b), let result = try repeated(a, count) {
        return result
      }
      if case .integer(let count)? = TemplateNumber(a), let result = try repeated(b, count) {
        return result
      }
    default: break
    }
    throw TemplateFailure.wrong(
      "'\(operation.rawValue)' does not go with \(a.typeName) and \(b.typeName)")
  }

  private func joined(_ a: TemplateValue, _ b: TemplateValue) throws -> TemplateValue? {
    switch (a, b) {
    case (.string(let a), .string(let b)):
      try making(bytes: a.utf8.count + b.utf8.count)
      return .string(a + b)
    case (.markup(let a), .markup(let b)): return .markup(try escapedJoin(a, b))
    case (.markup(let a), .string(let b)):
      return .markup(try escapedJoin(a, try escaped(b)))
    case (.string(let a), .markup(let b)):
      return .markup(try escapedJoin(try escaped(a), b))
    case (.sequence(let a), .sequence(let b))
    where a.kind == b.kind && (a.kind == .list || a.kind == .tuple):
      try making(elements: a.elements.count + b.elements.count)
      return .sequence(try TemplateSequence(a.kind, a.elements + b.elements))
    default: return nil
    }
  }

  func escaped(_ text: String) throws -> String {
    try making(bytes: text.utf8.count)
    let special = text.utf8.count { "&<>'\"".utf8.contains($0) }
    guard special > 0 else { return text }
    // A special character becomes four or five.
    try making(bytes: text.utf8.count + 4 * special)
    return PythonText.escaped(text)
  }

  private func escapedJoin(_ a: String, _ b: String) throws -> String {
    try making(bytes: a.utf8.count + b.utf8.count)
    return a + b
  }

  private func repeated(_ value: TemplateValue, _ count: Int) throws -> TemplateValue? {
    let count = max(count, 0)
    func size(_ one: Int) -> Int {
      let (size, overflow) = one.multipliedReportingOverflow(by: count)
      return overflow ? .max : size
    }
    switch value {
    case .string(let text), .markup(let text):
      try making(bytes: size(text.utf8.count))
      let result = text.isEmpty ? "" : String(repeating: text, count: count)
      if case .markup = value { return .markup(result) }
      return .string(result)
    case .sequence(let sequence) where sequence.kind == .list || sequence.kind == .tuple:
      try making(elements: size(sequence.elements.count))
      guard !sequence.elements.isEmpty else { return value }
      let elements = Array(repeatElement(sequence.elements, count: count).joined())
      return .sequence(try TemplateSequence(sequence.kind, elements))
    default: return nil
    }
  }

  private func numeric(
    _ operation: TemplateArithmetic, _ a: TemplateNumber, _ b: TemplateNumber
  ) throws -> TemplateValue {
    if case .integer(let a) = a, case .integer(let b) = b { return try whole(operation, a, b) }
    let (x, y) = (a.real, b.real)
    switch operation {
    case .add: return .real(x + y)
    case .subtract: return .real(x - y)
    case .multiply: return .real(x * y)
    case .power: return .real(try power(x, y))
    case .divide, .floorDivide, .remainder:
      guard y != 0 else { throw TemplateFailure.wrong("division by zero") }
      if operation == .divide { return .real(x / y) }
      let remainder = Self.remainder(x, y)
      if operation == .remainder { return .real(remainder) }
      return .real(((x - remainder) / y).rounded())
    }
  }

  /// With the sign of the divisor, as Python has it.
  private static func remainder(_ x: Double, _ y: Double) -> Double {
    let remainder = fmod(x, y)
    if remainder == 0 { return y.sign == .minus ? -0.0 : 0.0 }
    return (remainder < 0) != (y < 0) ? remainder + y : remainder
  }

  private func power(_ x: Double, _ y: Double) throws -> Double {
    guard !(x == 0 && y < 0) else { throw TemplateFailure.wrong("a negative power of zero") }
    let result = pow(x, y)
    guard !result.isNaN || x.isNaN || y.isNaN else {
      throw TemplateFailure.wrong("a power that is no real number")
    }
    guard !result.isInfinite || x.isInfinite || y.isInfinite else {
      throw TemplateFailure.wrong("a power too large")
    }
    return result
  }

  private func whole(_ operation: TemplateArithmetic, _ a: Int, _ b: Int) throws -> TemplateValue {
    let result: (partialValue: Int, overflow: Bool)
    switch operation {
    case .add: result = a.addingReportingOverflow(b)
    case .subtract: result = a.subtractingReportingOverflow(b)
    case .multiply: result = a.multipliedReportingOverflow(by: b)
    case .power:
      guard b >= 0 else { return .real(try power(Double(a), Double(b))) }
      result = Self.power(a, b)
    case .divide, .floorDivide, .remainder:
      guard b != 0 else { throw TemplateFailure.wrong("division by zero") }
      if operation == .divide { return .real(Double(a) / Double(b)) }
      let (quotient, overflow) = a.dividedReportingOverflow(by: b)
      let remainder = overflow ? 0 : a % b
      let isBelow = remainder != 0 && (remainder < 0) != (b < 0)
      if operation == .remainder { return .integer(isBelow ? remainder + b : remainder) }
      result = (isBelow ? quotient - 1 : quotient, overflow)
    }
    guard !result.overflow else {
      throw TemplateFailure.limit("a whole number would need more than 64 bits")
    }
    return .integer(result.partialValue)
  }

  private static func power(_ base: Int, _ exponent: Int) -> (partialValue: Int, overflow: Bool) {
    if exponent == 0 || base == 1 { return (1, false) }
    if base == 0 { return (0, false) }
    if base == -1 { return (exponent % 2 == 0 ? 1 : -1, false) }
    guard exponent < 64 else { return (0, true) }
    var result = 1
    for _ in 0..<exponent {
      let (product, overflow) = result.multipliedReportingOverflow(by: base)
      if overflow { return (0, true) }
      result = product
    }
    return (result, false)
  }

  func signed(_ value: TemplateValue, negative: Bool) throws -> TemplateValue {
    if case .undefined(let reason) = value { throw TemplateFailure.wrong(reason) }
    switch TemplateNumber(value) {
    case .integer(let number)?:
      guard negative else { return .integer(number) }
      guard number != .min else {
        throw TemplateFailure.limit("a whole number would need more than 64 bits")
      }
      return .integer(-number)
    case .real(let number)?: return .real(negative ? -number : number)
    case nil: throw TemplateFailure.wrong("a \(value.typeName) has no sign")
    }
  }

  func holds(
    _ operation: TemplateComparison, _ a: TemplateValue, _ b: TemplateValue
  ) throws -> Bool {
    switch operation {
    case .equal: try isEqual(a, b)
    case .unequal: try !isEqual(a, b)
    case .less: try isLess(a, b)
    case .lessOrEqual: try isLessOrEqual(a, b)
    case .greater: try isLess(b, a)
    case .greaterOrEqual: try isLessOrEqual(b, a)
    case .contained: try contains(b, a)
    case .absent: try !contains(b, a)
    }
  }
}
