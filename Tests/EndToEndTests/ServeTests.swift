import Foundation
import TestSupport
import Testing

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// `primer serve` while it runs.
private final class RunningService: Sendable {
  let url: URL
  let key: String?
  let link: String
  private let process: Process
  private let finish: @Sendable () throws -> PrimerCommand.Outcome

  /// Returns once the service has said where it is.
  init(_ tiny: TinyRun, port: Int = 0) async throws {
    // A folder of its own, in which its output is the only file of that kind.
    let folder = tiny.output("service-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    (process, finish) = try PrimerCommand.start(
      [
        "serve", "--model", tiny.output("run").path, "--port", "\(port)", "--data",
        tiny.output("data").path, "--moderation", "off",
      ], in: folder)
    let ready = try await Self.firstLine(in: folder, of: process)
    let fields = try JSONSerialization.jsonObject(with: ready) as? [String: Any] ?? [:]
    url = try #require((fields["url"] as? String).flatMap(URL.init(string:)), "\(fields)")
    link = try #require(fields["link"] as? String)
    key = fields["key"] as? String
  }

  private static func firstLine(in folder: URL, of process: Process) async throws -> Data {
    while true {
      let file = try FileManager.default.contentsOfDirectory(
        at: folder, includingPropertiesForKeys: nil
      ).first { $0.pathExtension == "out" }
      if let file, let text = try? Data(contentsOf: file), let end = text.firstIndex(of: 0x0a) {
        return text[..<end]
      }
      try #require(process.isRunning, "the service ended before it was ready")
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  func answer(
    _ path: String, key: String?, body: [String: any Sendable]? = nil
  ) async throws -> (status: Int, text: String) {
    var request = URLRequest(url: url.appending(path: path))
    if let key { request.setValue("Bearer \(key)", forHTTPHeaderField: "Authorization") }
    if let body {
      request.httpMethod = "POST"
      request.setValue("application/json", forHTTPHeaderField: "Content-Type")
      request.httpBody = try JSONSerialization.data(withJSONObject: body)
    }
    let (data, response) = try await URLSession.shared.data(for: request)
    let status = (response as? HTTPURLResponse)?.statusCode ?? 0
    return (status, String(decoding: data, as: UTF8.self))
  }

  /// Asks it to stop, as a system does.
  func stop() throws -> PrimerCommand.Outcome {
    process.terminate()
    return try finish()
  }
}

@Suite("The service as a program", .enabled(if: PrimerCommand.isBuilt))
struct ServeTests {
  private static let question: [String: any Sendable] = [
    "model": "run", "prompt": "To be", "max_tokens": 12, "temperature": 0,
  ]

  @Test(
    "a first start prints a key, answers who has it, ends when told to; a second start knows the key"
  )
  func starts() async throws {
    let tiny = try TinyRun()
    #expect(try tiny.run(tiny.arguments("run")).code == 0)
    let first = try await RunningService(tiny)
    let key = try #require(first.key)
    #expect(first.link.hasPrefix(first.url.absoluteString + "/sign-in?token="))
    #expect(try await first.answer("health", key: nil).status == 200)
    #expect(try await first.answer("v1/models", key: nil).status == 401)
    #expect(try await first.answer("v1/models", key: "pk-wrong").status == 401)
    let answer = try await first.answer("v1/completions", key: key, body: Self.question)
    #expect(answer.status == 200 && answer.text.contains("\"text\""), "\(answer)")
    let stopped = try first.stop()
    #expect(stopped.code == 0, "\(stopped.errors)")

    let second = try await RunningService(tiny)
    #expect(second.key == nil, "a key is printed once")
    let again = try await second.answer("v1/completions", key: key, body: Self.question)
    #expect(again.status == 200, "\(again)")
    #expect(try second.stop().code == 0)
  }

  @Test("a port or a folder that another has, a host and a model that are none, are said so")
  func refusals() async throws {
    let tiny = try TinyRun()
    #expect(try tiny.run(tiny.arguments("run")).code == 0)
    let service = try await RunningService(tiny)
    let port = "\(try #require(service.url.port))"
    func serve(
      _ model: String = "run", port: String = "0", data: String = "other",
      host: String = "127.0.0.1"
    ) throws -> PrimerCommand.Outcome {
      try tiny.run([
        "serve", "--model", tiny.output(model).path, "--port", port, "--host", host, "--data",
        tiny.output(data).path, "--moderation", "off",
      ])
    }
    let taken = try serve(port: port)
    #expect(taken.code == 73 && taken.errors.contains("port \(port): Address already in use"))
    let nowhere = try serve(host: "nosuchhost.invalid")
    #expect(nowhere.code != 0 && nowhere.errors.contains("nosuchhost.invalid"), "\(nowhere)")
    let elsewhere = try serve(host: "192.0.2.1")
    #expect(elsewhere.code == 73 && elsewhere.errors.contains("192.0.2.1"), "\(elsewhere)")
    let shared = try serve(data: "data")
    #expect(shared.code == 73 && shared.errors.contains("in use by another service"), "\(shared)")
    let none = try serve("none")
    #expect(none.code == 66 && none.errors.contains("none"), "\(none)")
    #expect(try service.stop().code == 0)
  }
}
