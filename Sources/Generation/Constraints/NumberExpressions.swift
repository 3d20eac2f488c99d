/// Texts of numbers. Digits are few enough that a double holds each number apart from its neighbours.
enum NumberExpressions {
  static let digits = 15
  private static let largest = ExactDecimal.power(digits) - 1
  /// Largest divisor whose remainders are tracked digit by digit, and most multiples that are listed.
  private static let divisors = 1_024

  static func expression(
    _ bounds: NumberBounds, isWhole: Bool
  ) throws -> GrammarExpression {
    var step: (size: Int, places: Int)?
    for size in bounds.steps + (isWhole ? [1] : []) { step = try met(step, ExactDecimal(size)) }
    if let step {
      if step == (1, 0), bounds.minimum == nil, bounds.maximum == nil { return anyInteger }
      return try multiples(of: step.size, places: step.places, bounds)
    }
    if bounds.minimum == nil, bounds.maximum == nil { return anyNumber }
    return try reals(bounds)
  }

  private static let digit = GrammarExpression.bytes(ByteSet(48...57))

  private static var anyInteger: GrammarExpression {
    let rest = GrammarExpression.repeated(digit, minimum: 0, maximum: 18)
    return .sequence([
      .optional(.text("-")),
      .choice([.text("0"), .sequence([.bytes(ByteSet(49...57)), rest])]),
    ])
  }

  private static var anyNumber: GrammarExpression {
    let fraction = GrammarExpression.repeated(digit, minimum: 1, maximum: 17)
    let exponent = GrammarExpression.sequence([
      .bytes(ByteSet("eE".utf8)), .optional(.bytes(ByteSet("+-".utf8))),
      .repeated(digit, minimum: 1, maximum: 2),
    ])
    return .sequence([
      anyInteger, .optional(.sequence([.text("."), fraction])), .optional(exponent),
    ])
  }

  /// The least common multiple of a step size × 10^-places and another.
  private static func met(
    _ step: (size: Int, places: Int)?, _ other: ExactDecimal
  ) throws -> (size: Int, places: Int) {
    let tooLarge = ConstraintError.tooLarge(what: "digits in a multiple", limit: digits)
    let places = max(step?.places ?? 0, -other.exponent, 0)
    guard places < digits else { throw tooLarge }
    let added = other.scaledDown(places)
    guard added > 0, added <= largest else { throw tooLarge }
    guard let step else { return reduced(added, places) }
    let (old, overflow) = step.size.multipliedReportingOverflow(
      by: ExactDecimal.power(places - step.places))
    guard !overflow else { throw tooLarge }
    let (product, isOver) = (old / divisor(old, added)).multipliedReportingOverflow(by: added)
    guard !isOver, product <= largest else { throw tooLarge }
    return reduced(product, places)
  }

  private static func reduced(_ size: Int, _ places: Int) -> (size: Int, places: Int) {
    var (size, places) = (size, places)
    while places > 0, size % 10 == 0 { (size, places) = (size / 10, places - 1) }
    return (size, places)
  }

  private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }

  // MARK: Multiples

  /// Multiples of size × 10^-places, written with just so many places.
  private static func multiples(
    of size: Int, places: Int, _ bounds: NumberBounds
  ) throws -> GrammarExpression {
    var (low, high) = (-largest, largest)
    if let minimum = bounds.minimum {
      let exact = ExactDecimal(minimum)
      let isHit = exact.isWhole(places) && !bounds.minimumIsExcluded
      low = max(low, exact.scaledDown(places) + (isHit ? 0 : 1))
    }
    if let maximum = bounds.maximum {
      let exact = ExactDecimal(maximum)
      let isHit = exact.isWhole(places) && bounds.maximumIsExcluded
      high = min(high, exact.scaledDown(places) - (isHit ? 1 : 0))
    }
    guard low <= high else { return .nothing }
    guard size <= divisors || (high - low) / size < divisors else {
      throw ConstraintError.tooLarge(what: "remainders of a multiple", limit: divisors)
    }
    if size > divisors { return listed(size, places, low, high) }
    var options: [GrammarExpression] = []
    if high >= 0 {
      options.append(
        .network(MultipleNetwork(size: size, places: places, low: max(0, low), high: high).network))
    }
    if low < 0 {
      let network = MultipleNetwork(size: size, places: places, low: max(1, -high), high: -low)
      options.append(.sequence([.text("-"), .network(network.network)]))
    }
    return .choice(options)
  }

  private static func listed(
    _ size: Int, _ places: Int, _ low: Int, _ high: Int
  ) -> GrammarExpression {
    var words: [[UInt8]] = []
    var value = low / size * size
    if value < low { value += size }
    while value <= high {
      var text = String(value.magnitude)
      if places > 0 {
        text = String(repeating: "0", count: max(0, places + 1 - text.count)) + text
        text.insert(".", at: text.index(text.endIndex, offsetBy: -places))
      }
      words.append(Array(((value < 0 ? "-" : "") + text).utf8))
      value += size
    }
    return .network(ExpressionNetwork(words: words))
  }

  // MARK: Reals

  private static func reals(_ bounds: NumberBounds) throws -> GrammarExpression {
    func bound(_ value: Double, _ isExcluded: Bool) throws -> DecimalNetwork.Bound {
      guard let (whole, fraction) = ExactDecimal(value).magnitudeDigits else {
        throw ConstraintError.tooLarge(what: "digits in a bound", limit: 40)
      }
      return .init(whole: whole, fraction: fraction, isExcluded: isExcluded)
    }
    let zero = DecimalNetwork.Bound(whole: [0], fraction: [], isExcluded: false)
    let aboveZero = DecimalNetwork.Bound(whole: [0], fraction: [], isExcluded: true)
    var options: [GrammarExpression] = []
    let lower = try bounds.minimum.map { try bound($0, bounds.minimumIsExcluded) }
    let upper = try bounds.maximum.map { try bound($0, bounds.maximumIsExcluded) }
    if bounds.maximum ?? 0 >= 0 {
      let low = bounds.minimum.map { $0 >= 0 } ?? false ? lower! : zero
      options.append(.network(DecimalNetwork(low: low, high: upper, digits: digits).network))
    }
    if bounds.minimum ?? -1 < 0 {
      let low = bounds.maximum.map { $0 < 0 } ?? false ? upper! : aboveZero
      let network = DecimalNetwork(low: low, high: lower, digits: digits).network
      options.append(.sequence([.text("-"), .network(network)]))
    }
    return .choice(options)
  }
}
