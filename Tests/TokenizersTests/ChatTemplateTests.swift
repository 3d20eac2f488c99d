import Foundation
import TestSupport
import Testing

@testable import PrimerTokenizers

/// What jinja2 and transformers make of templates; `scripts/make-template-goldens.py` wrote it.
struct ChatTemplateTests {
  private static let clock = TemplateClock(
    now: Date(timeIntervalSince1970: 1_753_200_309), timeZone: .gmt)
  private static let specialTokens = [
    "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>",
  ]

  private static func golden(_ name: String) throws -> JSONValue {
    try JSONValue(
      parsing: Array(Data(contentsOf: Goldens.file("templates/\(name)"))), keepsIntegers: true)
  }

  private static func shared(_ name: String) throws -> JSONValue {
    try JSONValue(
      parsing: Array(Data(contentsOf: SharedData.file("chat_templates/\(name)"))),
      keepsIntegers: true)
  }

  /// 64-bit FNV-1a.
  private static func hash(_ text: String) -> String {
    var value: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  private func rendered(_ conversation: JSONValue, _ template: ChatTemplate) throws -> String {
    let variables = JinjaValue(conversation["variables"] ?? .object([]))
    guard case .dictionary(let members) = variables else { return "" }
    return try template.render(
      messages: conversation["messages"]!.array!.map { JinjaValue($0) },
      tools: conversation["tools"]?.array?.map { JinjaValue($0) },
      addGenerationPrompt: conversation["add_generation_prompt"]?.bool ?? false,
      specialTokens: Self.specialTokens,
      variables: Dictionary(uniqueKeysWithValues: members.map { ($0.key, $0.value) }),
      clock: Self.clock
    ).text
  }

  @Test(
    "renders each conversation with each model's own template as transformers does",
    .enabled(if: SharedData.isPresent, "the folder of shared test data is absent"))
  func modelTemplates() throws {
    let conversations = try Self.golden("conversations.json").array!
    let expected = try Self.golden("rendered.json").members!
    #expect(expected.count >= 55)
    var texts = 0
    for (file, results) in expected {
      let source = String(
        decoding: try Data(contentsOf: SharedData.file("chat_templates/llamacpp/\(file)")),
        as: UTF8.self)
      let template = Result { try ChatTemplate(source: source, name: file) }
      for conversation in conversations {
        let name = conversation["name"]!.string!
        let wanted = try #require(results[name]?.string)
        let found = Result { try rendered(conversation, template.get()) }
        switch found {
        case .success(let text):
          texts += 1
          #expect(Self.hash(text) == wanted, "\(file), \(name): \(text)")
        case .failure(ChatTemplateError.refused(_, _, let message)):
          #expect("refused: " + message == wanted, "\(file), \(name)")
        case .failure(let error):
          #expect(wanted == "error", "\(file), \(name): \(error)")
        }
      }
    }
    #expect(texts > 700)
  }

  @Test("gives jinja2's text or error for each small template")
  func snippets() throws {
    let file = try Self.golden("snippets.json")
    let context = JinjaValue(file["context"]!)
    let snippets = file["snippets"]!.array!
    #expect(snippets.count > 1200)
    for snippet in snippets {
      let source = snippet["template"]!.string!
      let found = Result {
        try JinjaTemplate(source).render(context: context, clock: Self.clock)
      }
      switch found {
      case .success(let text):
        let wanted = snippet["text"]?.string
        #expect(
          wanted.map { $0.utf8.elementsEqual(text.utf8) } == true,
          "\(source): \(text.debugDescription), not \(wanted.debugDescription)")
      case .failure(ChatTemplateError.refused(_, _, let message)):
        #expect(snippet["error"]?.string == "refused: " + message, "\(source)")
      case .failure(let error):
        #expect(snippet["error"]?.string == "error", "\(source): \(error)")
      }
    }
  }

  @Test(
    "agrees with the published unit tests where jinja2 does",
    .enabled(if: SharedData.isPresent, "the folder of shared test data is absent"),
    arguments: [("llamacpp_jinja_units.json", true, 262), ("hf_jinja_units.json", false, 98)])
  func publishedUnits(file: String, trims: Bool, count: Int) throws {
    let cases = try Self.shared(file).array!.filter { $0["agrees_with_jinja2"]?.bool == true }
    #expect(cases.count == count)
    for unit in cases {
      let source = unit["template"]!.string!
      let template = try JinjaTemplate(
        source, options: JinjaOptions(trimsBlocks: trims, stripsBlocks: trims))
      let text = try template.render(context: JinjaValue(unit["context"] ?? .object([])))
      #expect(text == unit["expected"]!.string!, "\(source)")
    }
  }

  @Test("marks what the assistant wrote, in bytes and in scalars")
  func generation() throws {
    let template = try ChatTemplate(
      source: """
        {% for m in messages %}{{ m.role }}: {% if m.role == 'assistant' %}{% generation %}\
        {{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}|{% endfor %}
        """)
    let chat = try template.render(messages: [
      ["role": "user", "content": "Grüße"], ["role": "assistant", "content": "é\u{301}!"],
      ["role": "assistant", "content": ""],
    ])
    #expect(chat.text == "user: Grüße|assistant: é\u{301}!|assistant: |")
    #expect(chat.generatedRanges == [25..<30, 42..<42])
    #expect(chat.generatedScalarRanges == [23..<26, 38..<38])
    let bytes = Array(chat.text.utf8)
    #expect(String(decoding: bytes[chat.generatedRanges![0]], as: UTF8.self) == "é\u{301}!")
  }

  @Test("says so when a generated part has no known place")
  func capturedGeneration() throws {
    let template = try ChatTemplate(
      source: "{% set x %}{% generation %}a{% endgeneration %}{% endset %}b{{ x }}")
    let chat = try template.render(messages: [])
    #expect(chat.text == "ba")
    #expect(chat.generatedRanges == nil)
  }

  @Test("passes a message's reasoning under each of its names")
  func reasoning() throws {
    let template = try ChatTemplate(
      source: "{% for m in messages %}{{ m.reasoning_content }},{{ m.thinking }};{% endfor %}")
    let chat = try template.render(messages: [
      ["role": "assistant", "reasoning": "a"],
      ["role": "assistant", "thinking": "b", "reasoning": "c"],
      ["role": "assistant", "reasoning_content": nil, "content": "x"],
    ])
    #expect(chat.text == "a,a;b,b;None,;")
  }

  @Test(
    "lets no variable take a name of its own",
    arguments: ["messages", "tools", "add_generation_prompt", "bos_token", "raise_exception"])
  func reservedNames(name: String) throws {
    let template = try ChatTemplate(source: "{{ \(name) }}")
    #expect(throws: ChatTemplateError.reservedVariable(name)) {
      try template.render(messages: [], variables: [name: "other"])
    }
  }

  @Test("tells the date that it is given, in the zone that it is given")
  func clock() throws {
    let template = try JinjaTemplate("{{ strftime_now('%Y-%m-%d %H:%M') }}")
    let now = Date(timeIntervalSince1970: 1_753_200_309)
    let context: JinjaValue = .dictionary([])
    let zone = try #require(TimeZone(secondsFromGMT: 9 * 3600))
    let text = try template.render(context: context, clock: TemplateClock(now: now, timeZone: zone))
    #expect(text == "2025-07-23 01:05")
  }

  @Test("gives errors with the template's name and line")
  func errorLines() throws {
    #expect(
      throws: ChatTemplateError.syntax(
        template: "t", line: 3, reason: "unknown statement 'oops'")
    ) { try JinjaTemplate("a\n{{ 1 }}\n{% oops %}", name: "t") }
    let undefined = try JinjaTemplate("a\n{% if x %}\n{% endif %}\n{{ x.y }}", name: "t")
    #expect(
      throws: ChatTemplateError.rendering(template: "t", line: 4, reason: "'x' is undefined")
    ) { try undefined.render(context: .dictionary([])) }
    let refusing = try JinjaTemplate("a\n\n{{ raise_exception('no ' ~ 'way') }}", name: "t")
    #expect(
      throws: ChatTemplateError.refused(template: "t", line: 3, message: "no way")
    ) { try refusing.render(context: .dictionary([])) }
  }

  // MARK: Folders

  @Test("finds the template of a folder in its file, else in the tokenizer's configuration")
  func folder() throws {
    let folder = try TemporaryFolder()
    #expect(throws: ChatTemplateError.missing(path: folder.url.path)) {
      try ChatTemplate.load(from: folder.url)
    }
    _ = try folder.file("tokenizer_config.json", #"{"bos_token": "<s>"}"#)
    #expect(throws: ChatTemplateError.missing(path: folder.url.path)) {
      try ChatTemplate.load(from: folder.url)
    }
    _ = try folder.file("tokenizer_config.json", #"{"chat_template": "one {{ 1 }}"}"#)
    #expect(try ChatTemplate.load(from: folder.url).source == "one {{ 1 }}")
    _ = try folder.file("chat_template.jinja", "two")
    #expect(try ChatTemplate.load(from: folder.url).source == "two")
  }

  @Test("takes the template for tools where there is one and tools are given")
  func namedTemplates() throws {
    let folder = try TemporaryFolder()
    _ = try folder.file(
      "tokenizer_config.json",
      """
      {"chat_template": [{"name": "default", "template": "plain"},
        {"name": "tool_use", "template": "tools"}]}
      """)
    #expect(try ChatTemplate.load(from: folder.url).source == "plain")
    #expect(try ChatTemplate.load(from: folder.url, withTools: true).source == "tools")
  }

  @Test(
    "says what is wrong with a damaged configuration",
    arguments: [
      "{", #"{"chat_template": 5}"#, #"{"chat_template": [{"name": "default"}]}"#,
      #"{"chat_template": [{"name": "other", "template": "x"}]}"#,
    ])
  func damagedConfiguration(text: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.file("tokenizer_config.json", text)
    #expect {
      try ChatTemplate.load(from: folder.url)
    } throws: { error in
      if case ChatTemplateError.malformed(file.path, _) = error { true } else { false }
    }
    _ = try folder.file("chat_template.jinja", [0x61, 0xFF])
    #expect(throws: ChatTemplateError.self) { try ChatTemplate.load(from: folder.url) }
  }
}
