import PrimerTokenizers
import Testing

@Suite("Values of JSON")
struct JSONValueTests {
  private func number(_ text: String, keepsIntegers: Bool = true) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8), keepsIntegers: keepsIntegers)
  }

  @Test("numbers are what RFC 8259 has as numbers", arguments: [true, false])
  func numbers(keepsIntegers: Bool) throws {
    let wholes = [
      ("0", 0), ("-0", 0), ("7", 7), ("-12", -12), ("1e3", 1000), ("1E+2", 100), ("50e-1", 5),
      ("2.0", 2), ("123456789012345", 123_456_789_012_345),
    ]
    for (text, value) in wholes {
      #expect(try number(text, keepsIntegers: keepsIntegers).integer == value, "\(text)")
    }
    for text in [
      "01", "00", "-01", "+1", "1.", ".5", "-", "-.5", "1e", "1e+", "1.e3", "0x10", "1_0", "--1",
      "1-", "1+1", "1.2.3", "1e2e3", "000000000000000000001", "Infinity", "NaN",
    ] {
      #expect(throws: JSONProblem.self, "\(text)") {
        try number(text, keepsIntegers: keepsIntegers)
      }
    }
  }

  @Test("whole numbers are exact to the bounds of 64 bits, and none beyond them")
  func bounds() throws {
    #expect(try number("9223372036854775807").integer == Int.max)
    #expect(try number("-9223372036854775808").integer == Int.min)
    for text in ["9223372036854775808", "-9223372036854775809", "1e19", "-1e400", "1.5"] {
      #expect(try number(text).integer == nil, "\(text)")
    }
  }

  @Test("more values than were asked for are refused, and no fewer")
  func mostValues() throws {
    let text = Array(#"{"a": [1, [], true, "b"], "c": null}"#.utf8)
    #expect(try JSONValue(parsing: text, mostValues: 7).members?.count == 2)
    let problem = #expect(throws: JSONProblem.self) {
      try JSONValue(parsing: text, mostValues: 6)
    }
    #expect(problem?.reason == "more than 6 values")
    let many = Array(("[[]" + String(repeating: ",[]", count: 8 << 20) + "]").utf8)
    #expect(throws: JSONProblem.self) { try JSONValue(parsing: many) }
  }
}
