public import Foundation

/// The time that `strftime_now` of a template tells.
public struct TemplateClock: Sendable {
  public var now: Date
  public var timeZone: TimeZone

  public init(now: Date = Date(), timeZone: TimeZone = .current) {
    self.now = now
    self.timeZone = timeZone
  }

  private static let days = [
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
  ]
  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]

  /// The time by C's `strftime`, with English names; nil where a field is unknown.
  func formatted(_ format: String) -> String? {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = timeZone
    let fields = calendar.dateComponents(
      [.year, .month, .day, .hour, .minute, .second, .nanosecond, .weekday, .dayOfYear], from: now)
    var result = ""
    var rest = Array(format.unicodeScalars)[...]
    while let scalar = rest.popFirst() {
      guard scalar == "%" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      var pad: Character?
      if let flag = rest.first, flag == "-" || flag == "_" || flag == "0" {
        pad = Character(flag)
        rest.removeFirst()
      }
      guard let field = rest.popFirst(), let text = text(field, fields, pad) else { return nil }
      result += text
    }
    return result
  }

  private func text(
    _ field: Unicode.Scalar, _ fields: DateComponents, _ pad: Character?
  ) -> String? {
    func number(_ value: Int, _ width: Int, _ usual: Character = "0") -> String {
      let digits = String(value)
      let fill = pad ?? usual
      guard fill != "-", digits.count < width else { return digits }
      return String(repeating: fill == "_" ? " " : fill, count: width - digits.count) + digits
    }
    let (year, month, day) = (fields.year!, fields.month!, fields.day!)
    let (hour, weekday, dayOfYear) = (fields.hour!, fields.weekday! - 1, fields.dayOfYear!)
    let clockHour = (hour + 11) % 12 + 1
    switch field {
    case "Y": return String(year)
    case "C": return number(year / 100, 2)
    case "y": return number(year % 100, 2)
    case "m": return number(month, 2)
    case "d": return number(day, 2)
    case "e": return number(day, 2, "_")
    case "j": return number(dayOfYear, 3)
    case "H": return number(hour, 2)
    case "k": return number(hour, 2, "_")
    case "I": return number(clockHour, 2)
    case "l": return number(clockHour, 2, "_")
    case "M": return number(fields.minute!, 2)
    case "S": return number(fields.second!, 2)
    case "f": return number(fields.nanosecond! / 1000, 6)
    case "p": return hour < 12 ? "AM" : "PM"
    case "P": return hour < 12 ? "am" : "pm"
    case "A": return Self.days[weekday]
    case "a": return String(Self.days[weekday].prefix(3))
    case "B": return Self.months[month - 1]
    case "b", "h": return String(Self.months[month - 1].prefix(3))
    case "w": return String(weekday)
    case "u": return String(weekday == 0 ? 7 : weekday)
    case "U": return number((dayOfYear + 6 - weekday) / 7, 2)
    case "W": return number((dayOfYear + 6 - (weekday + 6) % 7) / 7, 2)
    case "G", "V":
      let (weekYear, week) = isoWeek(year, dayOfYear, weekday)
      return field == "G" ? String(weekYear) : number(week, 2)
    case "s": return String(Int(now.timeIntervalSince1970.rounded(.down)))
    case "z", "Z": return zone(field)
    case "n": return "\n"
    case "t": return "\t"
    case "%": return "%"
    default: return combined(field)
    }
  }

  /// Fields that stand for several.
  private func combined(_ field: Unicode.Scalar) -> String? {
    let formats: [Unicode.Scalar: String] = [
      "c": "%a %b %e %H:%M:%S %Y", "x": "%m/%d/%y", "X": "%H:%M:%S", "D": "%m/%d/%y",
      "F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "r": "%I:%M:%S %p",
    ]
    return formats[field].flatMap { formatted($0) }
  }

  /// A clock without a zone, as Python's `datetime.now()`, tells none.
  private func zone(_ field: Unicode.Scalar) -> String { "" }

  /// The week of ISO 8601 and its year.
  private func isoWeek(_ year: Int, _ dayOfYear: Int, _ weekday: Int) -> (year: Int, week: Int) {
    func hasLongYear(_ year: Int) -> Bool {
      func shift(_ year: Int) -> Int { (year + year / 4 - year / 100 + year / 400) % 7 }
      return shift(year) == 4 || shift(year - 1) == 3
    }
    let week = (dayOfYear - (weekday + 6) % 7 + 9) / 7
    if week < 1 { return (year - 1, hasLongYear(year - 1) ? 53 : 52) }
    if week == 53, !hasLongYear(year) { return (year + 1, 1) }
    return (year, week)
  }
}
