import ArgumentParser
import Foundation
import PrimerCatalogue
import Synchronization

struct PullCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull", abstract: "Fetch a model into the cache, verified and resumable.",
    discussion: """
      Examples:
        primer pull smollm2-135m-instruct                 a name that 'primer models' lists
        primer pull owner/name                            a safetensors repository of the Hugging Face hub
        primer pull owner/name:model.Q4_K_M.gguf          one GGUF file of it
        primer pull https://example.org/model.gguf        an address
        primer pull /media/disk/model.gguf                a local file or model folder

      Interrupted, the same command goes on where it ended. PRIMER_CACHE names another cache,
      HF_TOKEN opens repositories that ask for one, HF_ENDPOINT names a mirror.
      """)

  @Argument(help: "What to fetch.")
  var name: String

  @OptionGroup var options: OutputOptions

  func run() async throws {
    try await options.runWaiting {
      let meter = DownloadMeter(name: name, isShown: !options.quiet)
      let pull = ModelPull { done, total in meter.show(done, total) }
      let record = try await pull.pull(name)
      meter.finish()
      let path = pull.cache.path(record.name)?.path ?? ""
      if let license = record.license { options.note("\(record.name): licence \(license)") }
      try options.report([
        "name": .text(record.name), "path": .text(path), "bytes": .whole(record.bytes),
        "sha256": .text(record.sha256),
      ])
    }
  }
}

/// The progress line of a download: a bar on a terminal, a line a tenth otherwise.
final class DownloadMeter: Sendable {
  private struct State {
    var lastShown = ContinuousClock.now
    var firstBytes: Int?
    var begun = ContinuousClock.now
    var tenth = -1
    var drew = false
  }
  private let state = Mutex(State())
  private let name: String
  private let isShown: Bool
  private let isTerminal = isatty(2) == 1

  init(name: String, isShown: Bool) {
    self.name = name
    self.isShown = isShown
  }

  func show(_ done: Int, _ total: Int?) {
    guard isShown else { return }
    let line: String? = state.withLock { state in
      let now = ContinuousClock.now
      if state.firstBytes == nil { (state.firstBytes, state.begun) = (done, now) }
      let tenth = total.map { 10 * done / max(1, $0) } ?? 0
      if isTerminal {
        guard now - state.lastShown > .milliseconds(100) || done == total else { return nil }
      } else {
        guard tenth > state.tenth else { return nil }
      }
      (state.lastShown, state.tenth, state.drew) = (now, tenth, true)
      let seconds = max(1e-3, (now - state.begun) / .seconds(1))
      let rate = Double(done - (state.firstBytes ?? 0)) / seconds
      return Self.line(name, done, total, rate, bar: isTerminal)
    }
    guard let line else { return }
    let text = isTerminal ? "\r\u{1B}[K" + line : line + "\n"
    StandardError.write(text)
  }

  func finish() {
    if isShown, isTerminal, state.withLock({ $0.drew }) {
      StandardError.write("\n")
    }
  }

  private static func line(
    _ name: String, _ done: Int, _ total: Int?, _ rate: Double, bar: Bool
  ) -> String {
    func megabytes(_ bytes: Double) -> String { String(format: "%.1f MB", bytes / 1e6) }
    guard let total, total > 0 else { return "\(name)  \(megabytes(Double(done)))" }
    let share = min(1, Double(done) / Double(total))
    let left = rate > 0 ? Double(total - done) / rate : 0
    let filled = Int(share * 24)
    let drawn = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
    return "\(name)  " + (bar ? drawn + "  " : "") + "\(Int(share * 100)) %  "
      + "\(megabytes(Double(done))) of \(megabytes(Double(total)))  \(megabytes(rate))/s"
      + (left >= 1 ? "  \(Int(left.rounded())) s left" : "")
  }
}
