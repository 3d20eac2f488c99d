import Foundation
import PrimerServing
import TestSupport
import Testing

@Suite struct ModelVersionTests {
  @Test("the version of a file depends on every part of a large one, and not on where it lies")
  func files() throws {
    let folder = try TemporaryFolder()
    func version(_ bytes: Data, in place: String) throws -> String {
      let place = folder.url.appending(path: place)
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      let file = place.appending(path: "model.gguf")
      try bytes.write(to: file)
      return try ModelVersion.read(file)
    }
    for size in [0, 1, 300 << 10, 17 << 20] {
      let bytes = Data(repeating: 7, count: size)
      let known = try version(bytes, in: "a")
      #expect(known.count == 12)
      #expect(try version(bytes, in: "b") == known, "\(size)")
      #expect(try version(bytes + [7], in: "a") != known, "\(size)")
      guard size > 1 else { continue }
      for part in 0..<8 {
        var changed = bytes
        let start = size / 8 * part
        changed.replaceSubrange(start..<start + size / 8, with: repeatElement(8, count: size / 8))
        #expect(try version(changed, in: "a") != known, "\(size), part \(part)")
      }
    }
  }

  @Test("the version of a folder is that of its weights and configuration, other files aside")
  func folders() throws {
    let folder = try TemporaryFolder()
    func write(_ name: String, _ text: String) throws {
      try Data(text.utf8).write(to: folder.url.appending(path: name))
    }
    try write("config.json", "{}")
    try write("model.safetensors", "weights")
    let known = try ModelVersion.read(folder.url)
    try write("report.html", "<p>")
    #expect(try ModelVersion.read(folder.url) == known)
    try write("model.safetensors", "Weights")
    #expect(try ModelVersion.read(folder.url) != known)
  }
}
