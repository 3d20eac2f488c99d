import Foundation
import PrimerFiles
import TestSupport
import Testing

@Suite("What Foundation says of a file, in the system's words")
struct FoundationErrorTests {
  private let folder: TemporaryFolder
  private let file: URL

  init() throws {
    folder = try TemporaryFolder()
    file = try folder.file("file", "text")
  }

  private func failure(of body: () throws -> Void) -> FileError? {
    do { try body() } catch { return FileError(foundation: error, of: folder.url) }
    return nil
  }

  @Test("a folder that cannot be made")
  func folders() {
    let manager = FileManager.default
    let inside = file.appending(path: "inside")
    for (url, reason) in [(file, "File exists"), (inside, "Not a directory")] {
      let failure = failure {
        try manager.createDirectory(at: url, withIntermediateDirectories: true)
      }
      #expect(failure?.description == "\(url.path): cannot create: \(reason)")
      #expect(failure?.exitCode == 73)
    }
  }

  @Test("a file that cannot be read, or is not there")
  func reading() {
    let missing = folder.url.appending(path: "missing")
    #expect(failure { _ = try Data(contentsOf: missing) } == .missing(missing))
    let failure = failure { _ = try Data(contentsOf: folder.url) }
    #expect(failure?.description == "\(folder.url.path): cannot read: Is a directory")
    #expect(failure?.exitCode == 74)
  }

  @Test("an error that names no file is about the one that was used")
  func nameless() {
    let failure = failure { _ = try FileHandle(forReadingFrom: folder.url).readToEnd() }
    #expect(failure?.description == "\(folder.url.path): cannot read: Is a directory")
  }

  @Test("other errors stay what they are")
  func others() {
    struct Other: Error {}
    #expect(FileError(foundation: Other()) == nil)
    #expect(failure { _ = try JSONDecoder().decode(Int.self, from: Data("x".utf8)) } == nil)
  }
}
