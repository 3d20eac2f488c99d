import PrimerGeneration
import Testing

@Suite("Constraints by JSON Schema")
struct JSONSchemaConstraintTests {
  private func check(
    _ schema: String, yes: [String], no: [String], _ location: SourceLocation = #_sourceLocation
  ) throws {
    let constraint = try ByteConstraints.schema(schema)
    for text in yes { #expect(constraint.accepts(text), "\(text)", sourceLocation: location) }
    for text in no { #expect(!constraint.accepts(text), "\(text)", sourceLocation: location) }
  }

  @Test("members come in the order in which they are declared, optional ones or not")
  func order() throws {
    try check(
      #"{"properties": {"a": {"type": "null"}, "b": {"type": "boolean"}}, "required": ["b"], "type": "object"}"#,
      yes: [#"{"a":null,"b":true}"#, #"{"b":false}"#, #"{"a": null, "b": true}"#],
      no: [
        #"{"b":true,"a":null}"#, #"{"a":null}"#, "{}", #"{"b":1}"#, #"{"b":true,}"#,
        #"{"b":true,"c":1}"#,
      ])
  }

  @Test("undeclared members come last, with names that are not declared, and only where allowed")
  func additional() throws {
    try check(
      #"{"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "integer"}}"#,
      yes: [#"{"a":null,"b":1}"#, #"{"b":1,"c":2}"#, #"{"ab":1}"#, #"{"":1}"#],
      no: [#"{"b":1,"a":null}"#, #"{"a":1}"#, #"{"b":null}"#, #"{"\u0061":1}"#])
  }

  @Test(
    "whole numbers keep to their bounds",
    arguments: [(-17, 42), (0, 9), (5, 5), (-30, -7), (99, 1001), (-1000, 0)])
  func integers(_ bounds: (Int, Int)) throws {
    let constraint = try ByteConstraints.schema(
      #"{"type": "integer", "minimum": \#(bounds.0), "maximum": \#(bounds.1)}"#)
    for value in -1200...1200 {
      #expect(constraint.accepts("\(value)") == (bounds.0...bounds.1).contains(value), "\(value)")
    }
    #expect(!constraint.accepts("007") && !constraint.accepts("-0"))
  }

  @Test("multiples are found digit by digit, fractions too")
  func multiples() throws {
    let sevens = try ByteConstraints.schema(
      #"{"type": "integer", "multipleOf": 7, "minimum": -50}"#)
    for value in -100...1000 {
      #expect(sevens.accepts("\(value)") == (value % 7 == 0 && value >= -50), "\(value)")
    }
    try check(
      #"{"type": "number", "multipleOf": 0.25, "exclusiveMinimum": 0, "maximum": 10.5}"#,
      yes: ["0.25", "10.50", "3.00", "9.75"],
      no: ["0.00", "0.30", "10.75", "11.00", "-0.25", "00.25"])
    try check(
      #"{"multipleOf": 5000, "type": "integer", "minimum": 0, "maximum": 1000000}"#,
      yes: ["0", "5000", "1000000"], no: ["1", "500", "1005000", "-5000"])
  }

  @Test("fractions keep to their bounds")
  func fractions() throws {
    let constraint = try ByteConstraints.schema(
      #"{"type": "number", "minimum": -1.25, "exclusiveMaximum": 10.5}"#)
    for hundredths in -300...1200 {
      let value = Double(hundredths) / 100
      #expect(constraint.accepts("\(value)") == (value >= -1.25 && value < 10.5), "\(value)")
    }
    try check(
      #"{"type": "number", "exclusiveMinimum": 0, "maximum": 1}"#,
      yes: ["1", "1.0", "0.5", "0.001", "1.000"],
      no: ["0", "0.0", "1.001", "-0.5", "-0", "2", "00.5"])
  }

  @Test("lengths count characters, not bytes or escapes")
  func lengths() throws {
    try check(
      #"{"type": "string", "minLength": 2, "maxLength": 3}"#,
      yes: [
        #""ab""#, #""äöü""#, #""日本""#, #""\n\"""#, #""\u00e4b""#, #""\ud83d\ude00x""#, #""😀😀😀""#,
      ],
      no: [#""a""#, #""abcd""#, #""😀""#, #""\ud83dxx""#, "\"a\nb\"", #""\xab""#])
  }

  @Test("patterns are searched for, as ECMA 262 does, and meet the lengths")
  func patterns() throws {
    try check(
      #"{"type": "string", "pattern": "b+$", "maxLength": 4}"#,
      yes: [#""b""#, #""xxbb""#, #""\nb""#], no: [#""bx""#, #""xxxbb""#, #""""#])
    try check(
      #"{"type": "string", "pattern": "^(\\([0-9]{3}\\))?[0-9]{3}-[0-9]{4}$"}"#,
      yes: [#""555-1212""#, #""(888)555-1212""#], no: [#""(888)555-1212 ext""#, #""55-1212""#])
    try check(
      #"{"type": "string", "pattern": "^\\d+\"\\\\$"}"#, yes: [#""12\"\\""#], no: [#""12""#])
  }

  @Test("lists keep to their first elements, the others and their number")
  func lists() throws {
    try check(
      #"{"type": "array", "prefixItems": [{"type": "null"}, {"type": "boolean"}], "items": {"type": "integer"}, "minItems": 1, "maxItems": 4}"#,
      yes: ["[null]", "[null,true]", "[null, true, 1, 2]"],
      no: ["[]", "[true]", "[null,1]", "[null,true,1,2,3]", "[null,true,]", "[,]"])
    try check(
      #"{"type": "array", "items": {"const": 1}, "minItems": 2}"#,
      yes: ["[1,1]", "[1,1,1,1,1]"], no: ["[]", "[1]", "[1,2]"])
  }

  @Test("schemas that refer to themselves are followed as deep as a text goes")
  func recursion() throws {
    try check(
      ##"{"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/node"}]}}, "required": ["next"]}}}"##,
      yes: [#"{"next":null}"#, #"{"next":{"next":{"next":null}}}"#],
      no: [#"{"next":{}}"#, #"{"next":{"next":null}"#])
  }

  @Test("allOf is met, also within members and elements")
  func allOf() throws {
    try check(
      #"{"type": "object", "properties": {"a": {"minimum": 3}}, "allOf": [{"properties": {"a": {"maximum": 5}, "b": {"type": "string"}}, "required": ["a"]}, {"properties": {"a": {"type": "integer"}}}]}"#,
      yes: [#"{"a":3}"#, #"{"a":5,"b":""}"#],
      no: [#"{"a":2}"#, #"{"a":6}"#, #"{"b":""}"#, #"{"a":3.5}"#])
  }

  @Test("options of oneOf that may overlap are refused; told apart by a tag they are not")
  func oneOf() throws {
    try check(
      #"{"oneOf": [{"type": "object", "properties": {"kind": {"const": "a"}, "x": {"type": "null"}}, "required": ["kind", "x"]}, {"type": "object", "properties": {"kind": {"const": "b"}}, "required": ["kind"]}]}"#,
      yes: [#"{"kind":"a","x":null}"#, #"{"kind":"b"}"#], no: [#"{"kind":"a"}"#, #"{"kind":"c"}"#])
    #expect(
      throws: ConstraintError.unsupported(
        keyword: "oneOf", pointer: "/properties/v/oneOf",
        reason: "its options cannot be told apart; use anyOf if they may overlap")
    ) {
      try ByteConstraints.schema(
        #"{"properties": {"v": {"oneOf": [{"type": "integer"}, {"minimum": 2}]}}}"#)
    }
    // A format says nothing to a validator that only annotates it.
    #expect(throws: ConstraintError.self) {
      try ByteConstraints.schema(
        #"{"type": "string", "oneOf": [{"format": "date"}, {"format": "ipv4"}]}"#)
    }
  }

  @Test(
    "formats allow what they name and nothing else",
    arguments: [
      (
        "date", ["2024-02-29", "1999-12-31"],
        ["2023-02-29", "2024-13-01", "2024-1-01", "1900-02-29"]
      ),
      (
        "date-time", ["2024-05-06T07:08:09Z", "2024-05-06T07:08:09.5+01:30"],
        ["2024-05-06", "2024-05-06T24:00:00Z"]
      ),
      ("uuid", ["2eb8aa08-aa98-11ea-b4aa-73b441d16380"], ["2eb8aa08-aa98-11ea-b4aa73b441d16380"]),
      ("ipv4", ["192.168.0.1", "0.0.0.0"], ["256.1.1.1", "1.2.3", "01.2.3.4"]),
      (
        "ipv6", ["::1", "::", "fe80::1:2", "1:2:3:4:5:6:7:8", "1::"],
        ["1::2::3", "12345::", "1:2:3:4:5:6:7:8:9"]
      ),
      ("email", ["a.b@example.com"], ["a@", "@b", "a..b@c.d"]),
      ("uri", ["https://example.com/a?b=c#d"], ["example.com", "https://", "a b"]),
      ("duration", ["P1Y2M3DT4H5M6S", "PT1H", "P2W"], ["P", "PT", "P1H", "P1Y2D"]),
    ])
  func formats(_ format: (name: String, yes: [String], no: [String])) throws {
    try check(
      #"{"type": "string", "format": "\#(format.name)"}"#, yes: format.yes.map { "\"\($0)\"" },
      no: format.no.map { "\"\($0)\"" })
  }

  @Test("a condition decides which of two schemas holds")
  func conditions() throws {
    let schema = #"""
      {"type": "object", "required": ["kind"],
       "properties": {"kind": {"enum": ["a", "b", null, 3]}, "n": {"type": "integer"}},
       "if": {"properties": {"kind": {"const": "a"}}, "required": ["kind"]},
       "then": {"required": ["n"]}, "else": {"properties": {"n": {"maximum": 9}}}}
      """#
    try check(
      schema,
      yes: [
        #"{"kind":"a","n":12}"#, #"{"kind":"b","n":9}"#, #"{"kind":"b"}"#, #"{"kind":null}"#,
        #"{"kind":3,"n":1}"#,
      ], no: [#"{"kind":"a"}"#, #"{"kind":"b","n":10}"#, #"{"kind":3,"n":11}"#, #"{"n":1}"#])
    try check(
      #"{"if": {"type": "string"}, "then": {"minLength": 2}}"#, yes: [#""ab""#, "1", "[]", "{}"],
      no: [#""a""#])
    try check(
      #"{"type": "number", "if": {"minimum": 5}, "else": {"enum": [1, 2]}}"#,
      yes: ["5", "70.5", "1", "2"], no: ["3", "4", "1.5"])
  }

  @Test("what a value must not be is turned round where that is exact")
  func negations() throws {
    try check(#"{"not": {"type": ["string", "null"]}}"#, yes: ["1", "[]"], no: [#""a""#, "null"])
    try check(
      #"{"not": {"enum": ["a", 2, true]}}"#, yes: [#""b""#, "1.5", "false", "3", "null"],
      no: [#""a""#, "2", "true"])
    try check(
      #"{"type": "string", "not": {"pattern": "^a"}, "maxLength": 2}"#, yes: [#""b""#, #""ba""#],
      no: [#""a""#, #""ab""#])
    try check(
      #"{"type": "integer", "not": {"minimum": 3, "maximum": 7}}"#, yes: ["2", "8"],
      no: ["3", "7", "5"])
    try check(
      #"{"type": "array", "items": {"type": "null"}, "not": {"minItems": 1, "maxItems": 2}}"#,
      yes: ["[]", "[null,null,null]"], no: ["[null]", "[null,null]"])
  }

  @Test("lists contain what they have to, as often as they have to")
  func containing() throws {
    let items = #""items": {"type": ["integer", "string"]}"#
    try check(
      #"{"type": "array", \#(items), "contains": {"type": "string"}}"#,
      yes: [#"["a"]"#, #"[1,"a"]"#, #"["a",1,2]"#, #"["a","b"]"#], no: ["[]", "[1]", "[1,2,3]"])
    try check(
      #"""
      {"type": "array", \#(items), "minContains": 2, "maxItems": 3,
       "contains": {"minimum": 5, "type": "integer"}}
      """#, yes: ["[5,6]", #"[7,"a",8]"#, "[5,5,5]"],
      no: ["[5]", #"["a",6]"#, #"[5,"a","b"]"#, "[5,5,5,5]"])
    try check(
      #"{"type": "array", "prefixItems": [{"const": 1}], "items": {"enum": [2, 3]}, "contains": {"const": 3}}"#,
      yes: ["[1,3]", "[1,2,2,3,2]"], no: ["[1]", "[1,2]", "[3]"])
    try check(
      #"{"type": "array", "items": {"enum": [2]}, "contains": {}, "minContains": 0}"#,
      yes: ["[]", "[2]"], no: ["[1]"])
  }

  @Test("lists of listed values hold each once")
  func unique() throws {
    try check(
      #"{"type": "array", "items": {"enum": ["a", "b", 1]}, "uniqueItems": true, "minItems": 1}"#,
      yes: [#"["a"]"#, #"["b","a",1]"#, #"[1,"b"]"#], no: ["[]", #"["a","a"]"#, #"[1,"b",1]"#])
    try check(
      #"{"type": "array", "items": {"type": "null"}, "uniqueItems": true, "maxItems": 1}"#,
      yes: ["[]", "[null]"], no: ["[null,null]"])
  }

  @Test(
    "what cannot be enforced is refused with its name and place",
    arguments: [
      ("not", "/not", #"{"not": {"type": "integer"}}"#),
      ("not", "/not", #"{"not": {"format": "date"}}"#),
      ("if", "/properties/a/if", #"{"properties": {"a": {"if": {"items": {}}, "then": {}}}}"#),
      ("uniqueItems", "/items/uniqueItems", #"{"items": {"uniqueItems": true}}"#),
      ("maxContains", "/maxContains", #"{"contains": {}, "maxContains": 2}"#),
      ("contains", "/contains", #"{"contains": {}, "minContains": 5000}"#),
      ("dependentRequired", "/dependentRequired", #"{"dependentRequired": {}}"#),
      ("unevaluatedProperties", "/unevaluatedProperties", #"{"unevaluatedProperties": false}"#),
      ("maxLenght", "/maxLenght", #"{"maxLenght": 3}"#),
      ("format", "/format", #"{"format": "colour"}"#),
      ("$ref", "/$ref", #"{"$ref": "https://example.com/schema"}"#),
      ("$dynamicRef", "/$dynamicRef", ##"{"$dynamicRef": "#x"}"##),
    ])
  func refused(_ example: (keyword: String, pointer: String, schema: String)) throws {
    let error = try #require(throws: ConstraintError.self) {
      try ByteConstraints.schema(example.schema)
    }
    guard case .unsupported(example.keyword, example.pointer, _) = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test(
    "a pattern that is not regular is refused, with its place",
    arguments: [
      "(?=a)b", "(a)\\\\1", "\\\\bword\\\\b", "(?<!x)y", "(", "[a", "*", "a{3,1}", "\\\\p{L}",
    ])
  func irregular(_ pattern: String) throws {
    let error = try #require(throws: ConstraintError.self) {
      try ByteConstraints.schema(#"{"properties": {"p": {"pattern": "\#(pattern)"}}}"#)
    }
    #expect("\(error)".contains("#/properties/p/pattern"))
  }

  @Test(
    "a schema that makes no sense is refused",
    arguments: [
      "", "[]", "3", "{", #"{"type": "text"}"#, #"{"type": 3}"#, #"{"minLength": -1}"#,
      #"{"enum": 1}"#, #"{"anyOf": []}"#, ##"{"$ref": "#/nowhere"}"##, ##"{"$ref": "#"}"##,
      ##"{"anyOf": [{"$ref": "#"}]}"##, #"{"properties": []}"#,
      #"{"type": "null", "type": "string"}"#,
      #"{"multipleOf": 0}"#, #"{"required": "a"}"#,
    ])
  func malformed(_ schema: String) {
    #expect(throws: ConstraintError.self) { try ByteConstraints.schema(schema) }
  }

  @Test(
    "a schema that nothing satisfies is refused",
    arguments: [
      "false", #"{"type": "string", "minLength": 3, "maxLength": 2}"#,
      #"{"allOf": [{"type": "null"}, {"type": "string"}]}"#,
      #"{"type": "object", "properties": {"a": false}, "required": ["a"]}"#,
      #"{"type": "integer", "minimum": 1.2, "maximum": 1.8}"#, #"{"enum": ["a"], "maxLength": 0}"#,
      ##"{"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}"##,
    ])
  func unsatisfiable(_ schema: String) {
    #expect(throws: ConstraintError.unsatisfiable("the schema")) {
      try ByteConstraints.schema(schema)
    }
  }

  @Test("members whose schema nothing satisfies are never begun")
  func deadMember() throws {
    let constraint = try ByteConstraints.schema(
      ##"{"type": "object", "properties": {"a": {"$ref": "#/$defs/endless"}, "b": {"type": "null"}}, "$defs": {"endless": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/endless"}}}}"##
    )
    #expect(constraint.accepts(#"{"b":null}"#))
    let text = constraint.begin()
    for byte in #"{""#.utf8 { #expect(text.accept(Int32(byte))) }
    #expect(!text.accept(Int32(UInt8(ascii: "a"))) && text.mask().count == 1)
  }

  @Test("white space is as the spacing says")
  func spacing() throws {
    let schema = #"{"type": "object", "properties": {"a": {"type": "array"}}}"#
    let compact = try ByteConstraints.schema(schema, spacing: .compact)
    #expect(compact.accepts(#"{"a":[1,2]}"#) && !compact.accepts(#"{"a": [1,2]}"#))
    let single = try ByteConstraints.schema(schema)
    #expect(single.accepts(#"{"a": [1, 2]}"#) && !single.accepts(#"{"a":  [1,2]}"#))
    #expect(!single.accepts("{\"a\":\n[1,2]}"))
    let indented = try ByteConstraints.schema(schema, spacing: .indented(4))
    #expect(indented.accepts("{\n  \"a\": [\n    1,\n    2\n  ]\n}"))
    #expect(!indented.accepts("{\n     \"a\": []}"))
  }

  @Test("any object is any object, and nothing else")
  func anyObject() throws {
    let constraint = try ByteConstraints.compiler().jsonObject()
    for text in ["{}", #"{"a":[{"b":-1.5e+3},null,"\u00e9"],"c":{}}"#] {
      #expect(constraint.accepts(text))
    }
    for text in ["[]", "1", "{", "{}}", "{a:1}", "{'a':1}", #"{"a":01}"#, #"{"a":1,}"#, ""] {
      #expect(!constraint.accepts(text), "\(text)")
    }
  }
}
