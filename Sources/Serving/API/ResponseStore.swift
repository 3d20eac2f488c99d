import Foundation
import PrimerFiles
import PrimerTokenizers

/// A response that was kept.
struct StoredResponse: Sendable {
  let document: JSONValue
  /// Items that the request brought.
  let input: JSONValue
  /// The conversation with the answer, as chat messages.
  let messages: [JSONValue]

  /// As it is where nobody writes it any more: a service that ended left it unfinished.
  var ended: StoredResponse {
    guard document["status"]?.string == "in_progress", let members = document.members else {
      return self
    }
    let changed = members.map { key, value -> (key: String, value: JSONValue) in
      switch key {
      case "status": (key, .string("failed"))
      case "error":
        (
          key,
          .object([
            ("code", .string(ResponseAnswer.failureCode)),
            ("message", .string("The service ended while the answer was written.")),
          ])
        )
      default: (key, value)
      }
    }
    return StoredResponse(document: .object(changed), input: input, messages: messages)
  }
}

/// Where responses are kept. Nobody finds what is not theirs: every call names the owner.
protocol ResponseStore: Sendable {
  func find(_ id: String, owner: String) async throws -> StoredResponse?
  func insert(_ response: StoredResponse, id: String, owner: String) async throws
  /// Whether there was one.
  func remove(_ id: String, owner: String) async throws -> Bool
}

/// Responses as files of one folder, for thirty days.
struct FileResponseStore: ResponseStore {
  private let folder: URL
  private static let lifetime = 30.0 * 86_400

  init(folder: URL) throws {
    self.folder = folder.appending(path: "responses")
    try FileManager.default.createDirectory(
      at: self.folder, withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
    removeOld(before: Date(timeIntervalSinceNow: -Self.lifetime))
  }

  func find(_ id: String, owner: String) throws -> StoredResponse? {
    guard let url = url(id), let data = try? Data(contentsOf: url) else { return nil }
    let value = try JSONValue(parsing: Array(data), keepsIntegers: true)
    guard value["owner"]?.string == owner, let document = value["response"] else { return nil }
    return StoredResponse(
      document: document, input: value["input"] ?? .array([]),
      messages: value["messages"]?.array ?? [])
  }

  func insert(_ response: StoredResponse, id: String, owner: String) throws {
    guard let url = url(id) else { preconditionFailure("the id of a response is \(id)") }
    let value = JSONValue.object([
      ("owner", .string(owner)), ("response", response.document), ("input", response.input),
      ("messages", .array(response.messages)),
    ])
    try AtomicFile.write(Array(value.text.utf8), to: url)
  }

  func remove(_ id: String, owner: String) throws -> Bool {
    guard try find(id, owner: owner) != nil, let url = url(id) else { return false }
    try FileManager.default.removeItem(at: url)
    return true
  }

  /// Only what looks like an id of ours becomes part of a path.
  private func url(_ id: String) -> URL? {
    let digits = id.dropFirst(5)
    guard id.hasPrefix("resp_"), digits.utf8.count == 32,
      digits.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
    else { return nil }
    return folder.appending(path: id + ".json")
  }

  private func removeOld(before date: Date) {
    let files = try? FileManager.default.contentsOfDirectory(
      at: folder, includingPropertiesForKeys: [.contentModificationDateKey])
    for file in files ?? [] {
      let values = try? file.resourceValues(forKeys: [.contentModificationDateKey])
      if let changed = values?.contentModificationDate, changed < date {
        try? FileManager.default.removeItem(at: file)
      }
    }
  }
}
