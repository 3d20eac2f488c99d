public import Foundation
internal import PrimerDatasets
internal import PrimerFiles
internal import PrimerTokenizers

/// A text and which labels it has; of a label that is absent nobody knows.
public struct LabelledText: Sendable, Equatable {
  public var text: String
  public var labels: [String: Bool]

  public init(_ text: String, _ labels: [String: Bool]) {
    self.text = text
    self.labels = labels
  }

  /// Reads JSON lines `{"text": …, "labels": {"name": 0 or 1, …}}` or `{"text": …, "label": …}`;
  /// of the second form a text has its one label and none of the others.
  /// - Throws: `DatasetError`, which names the line that is wrong.
  public static func read(_ url: URL) throws -> [LabelledText] {
    let lines = try JSONLines.read(url)
    var texts = try lines.map { try LabelledText($0.value, $0.line, url) }
    let single = Set(texts.filter(\.hasOneLabel).flatMap(\.labels.keys))
    for index in texts.indices where texts[index].hasOneLabel {
      for name in single where texts[index].labels[name] == nil {
        texts[index].labels[name] = false
      }
    }
    guard !texts.isEmpty else { throw DatasetError.empty(url.path) }
    return texts
  }

  private var hasOneLabel = false

  private init(_ json: JSONValue, _ line: Int, _ url: URL) throws {
    func bad(_ reason: String) -> DatasetError { .badLine(url, line: line, reason: reason) }
    guard let text = json["text"]?.string else { throw bad("it has no \"text\"") }
    self.text = text
    labels = [:]
    if let label = json["label"] {
      guard let name = label.string ?? label.integer.map(String.init) else {
        throw bad("its \"label\" is neither a name nor a whole number")
      }
      labels[name] = true
      hasOneLabel = true
      return
    }
    guard let members = json["labels"]?.members else {
      throw bad("it has neither \"labels\" nor a \"label\"")
    }
    for (name, value) in members {
      guard let known = value.bool ?? value.integer.flatMap({ [0: false, 1: true][$0] }) else {
        throw bad("its label \"\(name)\" is neither 0 nor 1")
      }
      labels[name] = known
    }
  }

  public static func == (a: LabelledText, b: LabelledText) -> Bool {
    a.text == b.text && a.labels == b.labels
  }

  /// A number that depends on nothing but the text: the same text always falls on the same side of
  /// a split.
  var hash: UInt64 { XXH64.digest(of: text.utf8) }
}

/// The lines of a file, each a value of JSON.
enum JSONLines {
  static func read(_ url: URL) throws -> [(line: Int, value: JSONValue)] {
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw DatasetError.missing(url)
    }
    let bytes: [UInt8]
    do { bytes = Array(try Data(contentsOf: url)) } catch {
      throw DatasetError.inputOutput(url.path, action: "read", reason: error.localizedDescription)
    }
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return try lines.enumerated().compactMap { index, line in
      guard !line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) else { return nil }
      do { return (index + 1, try JSONValue(parsing: Array(line))) } catch {
        throw DatasetError.badLine(url, line: index + 1, reason: "it is not JSON: \(error)")
      }
    }
  }
}
