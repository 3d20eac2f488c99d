import Foundation
import Testing

@testable import PrimerTokenizers

/// Templates that mean harm, or are damaged.
struct ChatTemplateLimitTests {
  /// Small, so that reaching them takes no time.
  private static let limits = ChatTemplateLimits(
    steps: 30_000, outputBytes: 1 << 16, stringBytes: 1 << 14, elements: 2000)

  private func render(
    _ source: String, _ context: JinjaValue = .dictionary([]),
    limits: ChatTemplateLimits = Self.limits
  ) throws -> String {
    try JinjaTemplate(source).render(context: context, limits: limits)
  }

  private func expectLimit(
    _ source: String, limits: ChatTemplateLimits = Self.limits,
    at location: SourceLocation = #_sourceLocation
  ) {
    #expect(sourceLocation: location) {
      try render(source, limits: limits)
    } throws: { error in
      if case ChatTemplateError.limit = error { true } else { false }
    }
  }

  private func expectSyntax(_ source: String, at location: SourceLocation = #_sourceLocation) {
    #expect(sourceLocation: location) {
      try JinjaTemplate(source)
    } throws: { error in
      if case ChatTemplateError.syntax = error { true } else { false }
    }
  }

  @Test("ends a template that loops for ever with an error")
  func endless() {
    let loops = String(repeating: "{% for i in range(2000) %}", count: 5)
    expectLimit(
      "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
      limits: ChatTemplateLimits())
    expectLimit(loops + "x" + String(repeating: "{% endfor %}", count: 5))
    expectLimit(
      "{% macro m() %}{% for i in range(1999) %}{{ m() }}{% endfor %}{% endmacro %}{{ m() }}")
  }

  @Test("ends a macro that calls itself for ever with an error")
  func endlessRecursion() {
    expectLimit("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")
    expectLimit(
      "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}")
    expectLimit("{% for x in [[[]]] recursive %}{{ loop([x]) }}{% endfor %}")
    expectLimit(
      "{% macro m() %}{{ caller() }}{% call m() %}{% endcall %}{% endmacro %}"
        + "{% call m() %}{% endcall %}")
    expectLimit("{% macro m(f) %}{{ f(f) }}{% endmacro %}{{ m(m) }}")
  }

  @Test(
    "refuses what would be too large before making it",
    arguments: [
      "{{ 'x' * 10**9 }}", "{{ 10**9 * 'x' }}", "{{ [0] * 10**9 }}", "{{ range(10**12) }}",
      "{{ range(-9223372036854775807, 9223372036854775807) }}", "{{ 'x'.center(10**12) }}",
      "{{ 'x'.ljust(9223372036854775807) }}", "{{ 'x'.zfill(10**15) }}", "{{ '%9999999999d' % 1 }}",
      "{{ '{:999999999}'.format(1) }}", "{{ 'x'|center(10**12) }}", "{{ 'a\nb'|indent(10**12) }}",
      "{{ [1]|batch(10**12, 0)|list }}", "{{ [1]|slice(10**12)|list }}", "{{ 2 ** 10000 }}",
      "{{ 9223372036854775807 + 1 }}", "{{ -9223372036854775807 - 2 }}",
      "{{ 3037000500 * 3037000500 }}",
      "{{ [[1]]|tojson(indent=10**12) }}", "{{ 'a\tb'.expandtabs(10**12) }}",
      "{{ '%.999999f' % 1.5 }}", "{{ ('x' * 16000).replace('x', 'yy') }}",
      "{{ ('x' * 16000).replace('', 'yyyyy') }}", "{{ ('x' * 16000)|list }}",
      "{{ ('x' * 6000)|e ~ ('x' * 16000) }}", "{{ ('<' * 16000)|e }}",
      "{{ ','.join(['x' * 1000] * 100) }}", "{{ ['x' * 1000] * 100 }}",
      "{{ (['x' * 1000] * 100)|tojson }}", "{{ ('a ' * 4000).split() }}",
    ])
  func tooLarge(source: String) {
    #expect {
      try render(source)
    } throws: { error in
      if case ChatTemplateError.limit = error { true } else { false }
    }
  }

  @Test("refuses values that grow within one another")
  func growingValues() {
    let doubling = "{% set n = namespace(v='x') %}{% for i in range(99) %}"
    expectLimit(doubling + "{% set n.v = n.v ~ n.v %}{% endfor %}")
    expectLimit(
      doubling + "{% set n.v = [n.v] %}{% endfor %}{% for i in range(99) %}"
        + "{% set n.v = [n.v] %}{% endfor %}")
    // Not deep, not large, but printed it would have 2^40 elements.
    let shared =
      "{% set n = namespace(v=[]) %}{% for i in range(40) %}"
      + "{% set n.v = [n.v, n.v] %}{% endfor %}"
    expectLimit(shared + "{{ n.v }}")
    expectLimit(shared + "{{ n.v|tojson }}")
    expectLimit(shared + "{{ n.v == [n.v[0], [n.v[0][0], n.v[0][1]]] }}")
    expectLimit(shared + "{{ n.v < n.v }}")
    let pairs =
      "{% set n = namespace(v=()) %}{% for i in range(40) %}"
      + "{% set n.v = (n.v, n.v) %}{% endfor %}"
    expectLimit(pairs + "{{ {n.v: 1} }}")
    expectLimit(pairs + "{{ n.v in {} }}")
  }

  @Test("keeps the rendered text within its limit")
  func outputLimit() {
    expectLimit(
      "{% for i in range(100) %}0123456789{% endfor %}",
      limits: ChatTemplateLimits(outputBytes: 999))
    #expect(
      try! render(
        "{% for i in range(100) %}0123456789{% endfor %}",
        limits: ChatTemplateLimits(outputBytes: 1000)
      ).utf8.count == 1000)
  }

  @Test("refuses syntax nested too deeply, without running out of stack")
  func deepSyntax() {
    let many = 3000
    func times(_ text: String, _ count: Int = many) -> String {
      String(repeating: text, count: count)
    }
    expectSyntax("{{ " + times("(", 60_000) + "1" + times(")", 60_000) + " }}")
    expectSyntax("{{ " + times("[") + times("]") + " }}")
    expectSyntax("{{ " + times("{1:") + "1" + times("}") + " }}")
    expectSyntax("{{ " + times("not ") + "1 }}")
    expectSyntax("{{ " + times("-") + "1 }}")
    expectSyntax("{{ " + times("a[") + "1" + times("]") + " }}")
    expectSyntax("{{ " + times("f(") + times(")") + " }}")
    expectSyntax("{{ 1 " + times("if 1 ") + "}}")
    expectSyntax("{{ " + times("1 if 1 else ") + "1 }}")
    expectSyntax("{{ a is " + times("b is ") + "c }}")
    expectSyntax(times("{% if 1 %}") + times("{% endif %}"))
    expectSyntax(times("{% for a in b %}"))
    expectSyntax("{% set " + times("(") + "a" + times(")") + " = 1 %}")
    expectSyntax("{% for " + times("(") + "a in b %}{% endfor %}")
  }

  @Test("takes long chains that are not deep")
  func longChains() throws {
    func times(_ text: String) -> String { String(repeating: text, count: 2000) }
    #expect(try render("{{ 0" + times(" + 1") + " }}") == "2000")
    #expect(try render("{{ 1" + times(" and 1") + " }}") == "1")
    #expect(try render("{{ ''" + times(" ~ ''") + " }}") == "")
    #expect(try render("{{ 1" + times("|int") + " }}") == "1")
    #expect(try render("{{ 1" + times(" == 1") + " }}") == "True")
    #expect(try render("{% if 0 %}" + times("{% elif 0 %}") + "{% else %}x{% endif %}") == "x")
  }

  @Test("stops calls and expressions that are deep together")
  func deepTogether() {
    let open = String(repeating: "(", count: 90)
    let close = String(repeating: ")", count: 90)
    expectLimit(
      "{% macro m() %}{{ \(open)m(){% raw %}{% endraw %}\(close) }}{% endmacro %}{{ m() }}"
        .replacing("{% raw %}{% endraw %}", with: ""))
    let ifs = String(repeating: "{% if 1 %}", count: 80)
    let ends = String(repeating: "{% endif %}", count: 80)
    expectLimit("{% macro m() %}\(ifs){{ [[[[m()]]]] }}\(ends){% endmacro %}{{ m() }}")
    expectLimit("{{ 'a'|map(*(['map'] * 1900))|list }}")
  }

  @Test("needs little of the caller's stack")
  func smallStack() async throws {
    let ifs = String(repeating: "{% if 1 %}", count: 10)
    let ends = String(repeating: "{% endif %}", count: 10)
    let brackets = String(repeating: "[", count: 95) + String(repeating: "]", count: 95)
    let source =
      "{{ \(brackets) }}{% macro m() %}\(ifs){{ [[[[m()]]]] }}\(ends){% endmacro %}{{ m() }}"
    let isLimit = await withCheckedContinuation { continuation in
      let thread = Thread {
        let found = Result { try JinjaTemplate(source).render(context: .dictionary([])) }
        if case .failure(ChatTemplateError.limit) = found {
          continuation.resume(returning: true)
        } else {
          continuation.resume(returning: false)
        }
      }
      thread.stackSize = 512 << 10
      thread.start()
    }
    #expect(isLimit)
  }

  @Test("refuses a context that is nested too deeply")
  func deepContext() {
    var value: JinjaValue = 1
    for _ in 0..<500 { value = [value] }
    #expect {
      try render("{{ x }}", ["x": value])
    } throws: { error in
      if case ChatTemplateError.limit = error { true } else { false }
    }
  }

  @Test("lets a namespace hold no namespace, so that nothing contains itself")
  func cycles() {
    for source in [
      "{% set n = namespace() %}{% set n.n = n %}",
      "{% set n = namespace() %}{% set n.n = [[n]] %}",
      "{% set n = namespace() %}{% set n.n = {'a': n} %}{{ n }}",
      "{% set n = namespace() %}{% set n.n = [n]|map('list') %}",
      "{% set n = namespace() %}{% set n.n = cycler(n) %}",
    ] {
      #expect(throws: ChatTemplateError.self) { try render(source) }
    }
  }

  @Test(
    "reaches nothing of Python and changes no value",
    arguments: [
      "{{ ''.__class__.__mro__ }}", "{{ ''['__class__']['__mro__'] }}",
      "{{ (''|attr('__class__')).__mro__ }}", "{{ self.__init__.__globals__ }}",
      "{{ range.__globals__.os }}", "{{ '{0.__class__.__mro__}'.format(1) }}",
      "{{ [].append(1) }}", "{{ {}.update({'a': 1}) }}", "{{ [1].pop() }}", "{{ lipsum() }}",
      "{% macro m() %}{% endmacro %}{{ m.__globals__.x }}", "{% include '/etc/passwd' %}",
      "{% import 'os' as os %}", "{{ cycler.__init__.__globals__ }}",
    ])
  func sandbox(source: String) {
    #expect(throws: ChatTemplateError.self) { try render(source) }
  }

  @Test(
    "rejects damaged syntax with an error",
    arguments: [
      "{{", "{%", "{#", "{{ 'a }}", "{{ a b }}", "{{ (1] }}", "{{ ) }}", "{% if %}{% endif %}",
      "{% for %}{% endfor %}", "{% for x %}{% endfor %}", "{% for 1 in a %}{% endfor %}",
      "{% set %}",
      "{% set 1 = 2 %}", "{% set x = %}", "{% macro %}{% endmacro %}", "{% endif %}", "{% %}",
      "{{ 99999999999999999999 }}", "{{ '\\ud800' }}", "{{ '\\x4' }}", "{{ $ }}", "{{ a..b }}",
      "{{ f(a=1, a=2) }}", "{{ f(**a, b) }}", "{% raw %}x",
      "{% if a %}{% else %}{% else %}{% endif %}",
      "{% call 5 %}{% endcall %}", "{% break %}", "{% macro m(a, a) %}{% endmacro %}", "{{ }}",
      "{% filter %}{% endfilter %}", "{% autoescape true %}{% endautoescape %}", "{{ a[1:2:3:4] }}",
    ])
  func damaged(source: String) { expectSyntax(source) }

  @Test("keeps strings apart that Swift takes for one, and counts code points")
  func codePoints() throws {
    #expect(
      try render("{{ 'é' == 'e\u{301}' }} {{ {'é': 1}['e\u{301}'] is defined }}") == "False False")
    #expect(try render("{{ 'e\u{301}'|length }} {{ '\\r\\n'|length }} {{ '👋🏽'|length }}") == "2 2 2")
    #expect(try render("{{ 'a\\r\\nb'.split('\\n') }}") == #"['a\r', 'b']"#)
    let context: JinjaValue = .dictionary([("é", "1"), ("e\u{301}", "2")])
    #expect(try render("{{ x }}", ["x": context]) == "{'é': '1', 'e\u{301}': '2'}")
  }
}
