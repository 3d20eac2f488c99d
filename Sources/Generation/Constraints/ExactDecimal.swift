/// A number as it is written: coefficient × 10^exponent.
struct ExactDecimal: Equatable {
  let coefficient: Int
  let exponent: Int

  init(coefficient: Int, exponent: Int) {
    var (coefficient, exponent) = (coefficient, coefficient == 0 ? 0 : exponent)
    while coefficient != 0, coefficient % 10 == 0 {
      coefficient /= 10
      exponent += 1
    }
    self.coefficient = coefficient
    self.exponent = exponent
  }

  /// The shortest decimal that reads as `number`, which is finite.
  init(_ number: Double) {
    var digits = 0
    var scale = 0
    var exponent = 0
    let text = "\(number.magnitude)"
    let parts = text.split(separator: "e")
    var isFraction = false
    for character in parts[0].utf8 {
      if character == UInt8(ascii: ".") {
        isFraction = true
      } else {
        digits = digits * 10 + Int(character - 48)
        if isFraction { scale += 1 }
      }
    }
    if parts.count > 1 { exponent = Int(parts[1]) ?? 0 }
    self.init(coefficient: number < 0 ? -digits : digits, exponent: exponent - scale)
  }

  /// The number × 10^places, rounded down; saturates at ±10^18.
  func scaledDown(_ places: Int) -> Int {
    let shift = exponent + places
    if shift >= 0 { return Self.scaled(coefficient, shift) }
    if shift < -18 { return coefficient < 0 ? -1 : 0 }
    let divisor = Self.power(-shift)
    let (quotient, rest) = coefficient.quotientAndRemainder(dividingBy: divisor)
    return rest < 0 ? quotient - 1 : quotient
  }

  /// Whether number × 10^places is whole.
  func isWhole(_ places: Int) -> Bool { coefficient == 0 || exponent + places >= 0 }

  /// Throws where the numbers are too far apart in size to tell.
  func isMultiple(of step: ExactDecimal) throws -> Bool {
    if coefficient == 0 { return true }
    let places = -min(exponent, step.exponent)
    let limit = Self.power(18)
    let (value, divisor) = (scaledDown(places), step.scaledDown(places))
    guard abs(value) < limit, abs(divisor) < limit else {
      throw ConstraintError.tooLarge(what: "digits in a multiple", limit: 18)
    }
    return value % divisor == 0
  }

  static func power(_ exponent: Int) -> Int { (0..<exponent).reduce(1) { power, _ in power * 10 } }

  private static func scaled(_ value: Int, _ places: Int) -> Int {
    let limit = power(18)
    var value = value
    for _ in 0..<min(places, 19) {
      guard abs(value) < limit / 10 else { return value < 0 ? -limit : value > 0 ? limit : 0 }
      value *= 10
    }
    return value
  }

  /// The digits before and behind the point of the magnitude; nil where there are very many.
  var magnitudeDigits: (whole: [UInt8], fraction: [UInt8])? {
    guard (-40...40).contains(exponent) else { return nil }
    var digits = String(coefficient.magnitude).utf8.map { $0 - 48 }
    if exponent >= 0 {
      digits += [UInt8](repeating: 0, count: exponent)
      return (digits, [])
    }
    let padding = max(0, 1 - exponent - digits.count)
    digits = [UInt8](repeating: 0, count: padding) + digits
    return (Array(digits.dropLast(-exponent)), Array(digits.suffix(-exponent)))
  }
}
