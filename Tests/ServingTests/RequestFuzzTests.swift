import Foundation
import HTTPTypes
import PrimerTokenizers
import TestSupport
import Testing

@testable import PrimerServing

/// Valid requests changed at random. `PRIMER_FUZZ_SECONDS` says how long to go on.
@Suite("Damaged requests")
struct RequestFuzzTests {
  @Test(
    "are answered as described or refused by name, on every address, and never harm the service")
  func damaged() async throws {
    let service = try await ServiceHarness(
      moderator: Moderator(ModerationPolicy(), CalmClassifier()))
    var random = SplitMix(state: FuzzTime.seed(11))
    let deadline = FuzzTime.deadline
    var rounds = 0
    repeat {
      for (path, body) in RequestExamples.all {
        var changed = body
        for _ in 0..<Int.random(in: 1...3, using: &random) {
          changed = RequestDamage.changed(changed, &random)
        }
        let text = RequestDamage.spelled(RequestDamage.short(changed), &random)
        // Answers are held against /openapi.json by the harness.
        let answer = try await service.send(.post, path, text)
        #expect(answer.status < 500, "\(path) \(text.prefix(2000)): \(answer.text)")
        if answer.status == 400, answer.problem.code == "unknown_parameter" {
          #expect(answer.problem.parameter != nil)
        }
      }
      rounds += 1
    } while rounds < 60 || ContinuousClock.now < deadline
    #expect(try await service.chat("abc", #", "max_tokens": 1"#).status == 200)
  }
}

private struct CalmClassifier: ModerationClassifier {
  let name = "calm"
  let assessed: Set<String> = ["hate"]
  let wait = 0.0
  func scores(_ text: String) async throws -> ModerationScores {
    ModerationScores(scores: ["hate": 0], thresholds: ["hate": 0.5])
  }
}

/// Changes to requests.
enum RequestDamage {
  /// `value` with one change somewhere in it.
  static func changed(_ value: JSONValue, _ random: inout SplitMix) -> JSONValue {
    if Int.random(in: 0..<6, using: &random) == 0 { return stranger(&random) }
    switch value {
    case .array(var elements) where !elements.isEmpty:
      let index = Int.random(in: 0..<elements.count, using: &random)
      switch Int.random(in: 0..<8, using: &random) {
      case 0: elements.remove(at: index)
      case 1: elements.append(elements[index])
      case 2: elements.insert(stranger(&random), at: index)
      default: elements[index] = changed(elements[index], &random)
      }
      return .array(elements)
    case .object(var members) where !members.isEmpty:
      let index = Int.random(in: 0..<members.count, using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0: members.remove(at: index)
      case 1: members.append(members[index])
      case 2: members[index].key += "x"
      case 3: members.append((names.randomElement(using: &random)!, stranger(&random)))
      default: members[index].value = changed(members[index].value, &random)
      }
      return .object(members)
    case .string(let text):
      return Bool.random(using: &random)
        ? .string(text + (texts.randomElement(using: &random)!)) : stranger(&random)
    default: return stranger(&random)
    }
  }

  /// A value that does not belong where it is put.
  private static func stranger(_ random: inout SplitMix) -> JSONValue {
    let values: [JSONValue] = [
      .null, .bool(true), .bool(false), .integer(0), .integer(-1), .integer(1), .integer(.max),
      .integer(.min), .number(0.5), .number(1e300), .number(-1e-300), .array([]), .object([]),
      .array([.null]), .array([.array([.array([])])]), .object([("type", .string("function"))]),
      .object([("", .null)]), .array(Array(repeating: .integer(1), count: 3000)),
      .object([("$ref", .string("#"))]), .object([("type", .string("object"))]),
    ]
    guard Int.random(in: 0..<4, using: &random) == 0 else {
      return values.randomElement(using: &random)!
    }
    return .string(texts.randomElement(using: &random)!)
  }

  private static let names = [
    "stream", "echo", "logprobs", "top_logprobs", "suffix", "dimensions", "tools", "tool_choice",
    "response_format", "logit_bias", "previous_response_id", "instructions", "stop", "best_of",
    "__proto__", "", "a\u{301}", "ignore_eos", "text", "metadata", "reasoning_effort", "background",
  ]

  private static let texts = [
    "", "a", "\u{0}", "é", "e\u{301}", "日本語", "\u{1F600}", "\u{202E}x", "\u{FFFE}", "<|im_end|>",
    "<tool_call>", "{{ messages }}", "../../etc/passwd", "http://127.0.0.1:1/", "'; --", "NaN",
    String(repeating: "ab", count: 300), String(repeating: "(", count: 2000), "[[[[", "-1", "1e999",
    "assistant", "json_schema", "required", "base64",
  ]

  /// The same request with short answers, so that many fit into little time.
  static func short(_ value: JSONValue) -> JSONValue {
    guard case .object(let members) = value else { return value }
    return .object(
      members.map { key, value in
        let most = ["max_tokens": 8, "max_completion_tokens": 8, "n": 3, "best_of": 3][key]
        guard let most, let number = value.integer, number > most else { return (key, value) }
        return (key, .integer(most))
      })
  }

  /// Now and then something that is no JSON.
  static func spelled(_ value: JSONValue, _ random: inout SplitMix) -> String {
    var text = value.text
    guard Int.random(in: 0..<20, using: &random) == 0, !text.isEmpty else { return text }
    let place = text.index(
      text.startIndex, offsetBy: Int.random(in: 0..<text.count, using: &random))
    text.replaceSubrange(
      place...place, with: ["", "\"", "}", "\u{0}", ",", "\\"].randomElement(using: &random)!)
    return text
  }
}
