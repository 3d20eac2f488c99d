import Foundation
import GRDB
import HTTPTypes
import PrimerFiles
import Testing

@testable import PrimerServing

@Suite("A full disk")
struct FullDiskTests {
  @Test("is told as what it is, wherever it is met; other failures are not told")
  func errors() {
    let url = URL(filePath: "/secret/place")
    errno = ENOSPC
    let full = FileError.last(url, "write")
    errno = EIO
    let broken = FileError.last(url, "write")
    #expect(APIError(full).status.code == 507 && !APIError(full).message.contains("secret"))
    #expect(APIError(DatabaseError(resultCode: .SQLITE_FULL)).code == "disk_full")
    #expect(APIError(broken).status.code == 500)
    #expect(APIError(DatabaseError(resultCode: .SQLITE_CORRUPT)).status.code == 500)
  }

  /// Lets the file of the store grow by `pages` more.
  private func setRoom(_ pages: Int, _ store: Store) async throws {
    try await store.database.writeWithoutTransaction { database in
      let used = try Int.fetchOne(database, sql: "PRAGMA page_count")!
      _ = try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(used + pages)")
    }
  }

  @Test("takes no question, and keeps an answer that was being written until there is room")
  func store() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann")
    let conversation = try await ann.converse()
    let asked = try await ann.ask("first", in: conversation)
    let text = String(repeating: "much ", count: 20_000)

    try await setRoom(0, harness.store)
    let refused = try await ann.send(
      .post, "/api/conversations/\(conversation)/messages", "{\"content\": \"\(text)\"}")
    #expect(refused.status == 507 && refused.text.contains("disk_full"))
    harness.source.tell([
      .text(text, tokens: 9), .finished(.done, promptTokens: 1, tokens: 9),
    ])
    let stream = try await ann.send(.get, "/api/streams/\(asked.answers[0])")
    #expect(stream.text.contains("\"failed\"") && !stream.text.contains("\"done\""))

    try await setRoom(1_000, harness.store)
    var kept: String?
    while kept != "failed" {
      let whole = try await ann.send(.get, "/api/conversations/\(conversation)")
      let messages = whole["messages"] as! [[String: Any]]
      #expect(messages.count == 2 && messages[0]["content"] as? String == "first")
      kept = messages[1]["state"] as? String
      if kept == "failed" { #expect(messages[1]["content"] as? String == text) }
    }
  }
}
