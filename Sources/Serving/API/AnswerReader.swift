import PrimerTokenizers

/// A piece of an answer.
enum AnswerPiece: Sendable, Equatable {
  case text(String)
  /// A call begins; its arguments follow.
  case call(index: Int, name: String)
  case arguments(index: Int, String)
}

/// Reads the text of an answer as it comes, and tells calls from text. Held back is only what may still
/// be the beginning of a tag, or the space before one; `finish` lets go of it on every way out.
struct AnswerReader: Sendable {
  private let reading: AnswerReading
  private var pending = ""
  private var isInCall = false
  /// Whether some of the text since the last tag has been told.
  private var hasText = false
  /// Of the arguments of a forced call, as far as they were told.
  private var nesting = Nesting()
  private(set) var calls = 0

  init(_ reading: AnswerReading) { self.reading = reading }

  mutating func append(_ text: String) -> [AnswerPiece] {
    switch reading {
    case .text: return text.isEmpty ? [] : [.text(text)]
    case .arguments(let name):
      let begin: [AnswerPiece] = calls == 0 ? [.call(index: 0, name: name)] : []
      calls = 1
      return begin + (text.isEmpty ? [] : [.arguments(index: 0, text)])
    case .call:
      pending += text
      return forcedCall()
    case .callsAmongText(let names, let most):
      pending += text
      return callsAmongText(names, most)
    }
  }

  /// What is left when no more text comes.
  mutating func finish() -> [AnswerPiece] {
    defer { pending = "" }
    switch reading {
    case .text: return []
    case .arguments: return calls == 0 ? append("") : []
    case .call:
      if pending.isEmpty || calls > 0 && pending == "}" && nesting.isWhole { return [] }
      return [calls == 0 ? .text(pending) : .arguments(index: 0, pending)]
    case .callsAmongText(let names, _):
      if isInCall {
        // The end of the text closes a call as well as its tag does.
        return read(pending, names) ?? [.text(ToolChoice.opening + pending)]
      }
      let isNothing = pending.isEmpty || calls > 0 && pending.allSatisfy(\.isWhitespace)
      return isNothing ? [] : [.text(pending)]
    }
  }

  /// `{"name": "f", "arguments": {…}}`: all after the second colon but the last brace are arguments.
  private mutating func forcedCall() -> [AnswerPiece] {
    var pieces: [AnswerPiece] = []
    if calls == 0 {
      let mark = ", \"arguments\": "
      guard let place = pending.firstRange(of: mark),
        case .object(let members)? = try? JSONValue(
          parsing: Array((pending[..<place.lowerBound] + "}").utf8)),
        let name = members.first?.value.string
      else { return [] }
      calls = 1
      pieces.append(.call(index: 0, name: name))
      pending.removeSubrange(..<place.upperBound)
    }
    // The last character seen may be the brace that closes the call itself.
    guard pending.count > 1 else { return pieces }
    let arguments = String(pending.dropLast())
    nesting.append(arguments)
    pieces.append(.arguments(index: 0, arguments))
    pending = String(pending.suffix(1))
    return pieces
  }

  private mutating func callsAmongText(_ names: [String], _ most: Int?) -> [AnswerPiece] {
    var pieces: [AnswerPiece] = []
    while true {
      if let most, calls >= most { return flush(&pieces) }
      let tag = isInCall ? ToolChoice.closing : ToolChoice.opening
      guard let place = pending.firstRange(of: tag) else {
        if !isInCall {
          let held = Self.held(pending, tag)
          let text = String(pending.dropLast(held))
          if isTold(text) {
            pieces.append(.text(text))
            pending = String(pending.suffix(held))
            hasText = true
          }
        }
        return pieces
      }
      let before = String(pending[..<place.lowerBound])
      pending.removeSubrange(..<place.upperBound)
      if isInCall {
        pieces += read(before, names) ?? [.text(ToolChoice.opening + before + ToolChoice.closing)]
      } else if isTold(before) {
        pieces.append(.text(before))
      }
      hasText = false
      isInCall.toggle()
    }
  }

  /// Nothing but space between two calls, or before the first, is no text.
  private func isTold(_ text: String) -> Bool {
    hasText ? !text.isEmpty : !text.allSatisfy(\.isWhitespace)
  }

  /// After the last call that is allowed, text is dropped: the answer is the call.
  private mutating func flush(_ pieces: inout [AnswerPiece]) -> [AnswerPiece] {
    pending = ""
    return pieces
  }

  /// A call; nil where the text is none of a function that was offered.
  private mutating func read(_ text: String, _ names: [String]) -> [AnswerPiece]? {
    let trimmed = text.drop(while: \.isWhitespace)
    guard let call = try? JSONValue(parsing: Array(trimmed.utf8), keepsIntegers: true),
      let name = call["name"]?.string, names.contains(name)
    else { return nil }
    let arguments = call["arguments"] ?? call["parameters"] ?? .object([])
    defer { calls += 1 }
    return [
      .call(index: calls, name: name),
      .arguments(index: calls, arguments.string ?? arguments.text),
    ]
  }

  /// Characters at the end of `text` that begin `tag`.
  private static func held(_ text: String, _ tag: String) -> Int {
    stride(from: min(tag.count - 1, text.count), to: 0, by: -1)
      .first { text.hasSuffix(tag.prefix($0)) } ?? 0
  }
}

/// Where in a value the end of a text of JSON is.
private struct Nesting {
  private var depth = 0
  private var isInString = false
  private var isEscaped = false

  /// Whether the next brace belongs to what is around the value.
  var isWhole: Bool { depth == 0 && !isInString }

  mutating func append(_ text: String) {
    for byte in text.utf8 {
      if isEscaped {
        isEscaped = false
        continue
      }
      switch byte {
      case UInt8(ascii: "\\"): isEscaped = isInString
      case UInt8(ascii: "\""): isInString.toggle()
      case UInt8(ascii: "{"), UInt8(ascii: "["): if !isInString { depth += 1 }
      case UInt8(ascii: "}"), UInt8(ascii: "]"): if !isInString { depth -= 1 }
      default: break
      }
    }
  }
}
