import Foundation
import PrimerTraining
import TestSupport
import Testing

@Suite("Report of a run")
struct RunReportTests {
  /// A run that might have been: losses of a decaying curve with noise.
  static func report(steps: Int, isFinished: Bool = true) throws -> RunReport {
    let recipe = try Recipe(named: "shakespeare-char").applying(set: ["steps=\(max(1, steps))"])
    var entries: [MetricsEntry] = []
    var noise: UInt64 = 1
    for step in 0..<steps {
      noise = noise &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let jitter = Double(noise >> 40) / Double(1 << 24) - 0.5
      let curve = 1.55 + 2.6 * exp(-Double(step) / 120) + 0.4 * exp(-Double(step) / 900)
      var entry = MetricsEntry(step: step + 1, time: 1_700_000_000 + Double(step))
      entry.seconds = 0.018 * Double(step + 1)
      entry.trainLoss = curve + 0.18 * jitter
      entry.rate = step < 100 ? 1e-5 * Double(step) : 5.5e-4 + 4.5e-4 * cos(Double(step) / 640)
      entry.gradientNorm = 0.4 + 2 * exp(-Double(step) / 60) + 0.3 * jitter * jitter
      entry.tokensPerSecond = 42_000 + 3000 * jitter
      entry.utilisation = 0.61
      entries.append(entry)
      guard step % 250 == 249 else { continue }
      var evaluation = MetricsEntry(step: step + 1, time: entry.time)
      evaluation.validationLoss = curve + 0.08
      evaluation.bitsPerByte = (curve + 0.08) / log(2)
      evaluation.sample =
        "\nKING RICHARD:\nWhat <say> you & \"me\", lord?\n\nGLOUCESTER:\nThe \(step) of it.\n"
      entries.append(evaluation)
    }
    return RunReport(
      recipe: recipe, parameterCount: 809_856, vocabularySize: 65, entries: entries,
      isFinished: isFinished,
      machine: MachineDescription(
        processor: "Intel(R) Xeon(R) Processor @ 2.70GHz", processorCount: 2,
        memoryBytes: 25_000_000_000, operatingSystem: "Debian GNU/Linux 13"),
      threads: 2, instructionSet: "avx512", peakMemoryBytes: 187_000_000,
      date: Date(timeIntervalSince1970: 1_700_000_000))
  }

  @Test("asks nothing of a network, and is small whatever the number of steps")
  func selfContained() throws {
    let html = try Self.report(steps: 20_000).html
    for word in ["http:", "https:", "src=", "@import", "url(", "<link"] {
      #expect(!html.contains(word), "\(word)")
    }
    #expect(html.utf8.count < 200_000)
  }

  @Test("every text in it is escaped")
  func escaping() throws {
    var report = try Self.report(steps: 250)
    report.recipe.name = "</title><script>alert(1)</script>"
    report.entries[250].sample = "<img onerror='x'> & \"quotes\" </script>"
    report.machine.processor = "<b>fast</b>"
    let html = report.html
    #expect(!html.contains("<script>alert"))
    #expect(!html.contains("<img"))
    #expect(!html.contains("<b>fast"))
    #expect(html.contains("&lt;img onerror=&#39;x&#39;&gt; &amp; &quot;quotes&quot;"))
  }

  @Test("every picture has a title and a description")
  func accessible() throws {
    let html = try Self.report(steps: 500).html
    let pictures = html.components(separatedBy: "<svg").dropFirst()
    #expect(pictures.count == 4)
    for picture in pictures {
      #expect(picture.contains("role=\"img\""))
      #expect(picture.contains("<title id=") && picture.contains("<desc id="))
    }
    #expect(html.contains("<html lang=\"en\">"))
    #expect(html.contains("validation loss from 2.26 to 1.90"))
  }

  @Test("its tags are balanced")
  func balanced() throws {
    let html = try Self.report(steps: 600).html
    for tag in [
      "div", "figure", "svg", "dl", "dt", "dd", "details", "pre", "section", "span", "ul",
    ] {
      let opened = html.components(separatedBy: "<\(tag)").dropFirst()
        .count { $0.first == ">" || $0.first == " " }
      let closed = html.components(separatedBy: "</\(tag)>").count - 1
      #expect(opened == closed, "\(tag)")
    }
  }

  @Test("shows a run without steps, with one, or with losses that are no numbers", arguments: 0...1)
  func degenerate(steps: Int) throws {
    var report = try Self.report(steps: steps, isFinished: false)
    #expect(report.html.contains("step \(steps) of 1"))
    for index in report.entries.indices { report.entries[index].trainLoss = .nan }
    #expect(!report.html.contains("nan"))
  }

  @Test("says that it goes on while it goes on")
  func state() throws {
    #expect(try Self.report(steps: 10).html.contains(">finished<"))
    #expect(try Self.report(steps: 10, isFinished: false).html.contains("step 10 of 10"))
  }

  @Test("is written into the run's folder")
  func writes() throws {
    let folder = try TemporaryFolder()
    let run = try RunFolder(folder.url, .new)
    try Self.report(steps: 2000).write(to: run)
    let html = try String(contentsOf: run.file("report.html"), encoding: .utf8)
    #expect(html.hasSuffix("</html>\n"))
    if let copy = ProcessInfo.processInfo.environment["PRIMER_REPORT_COPY"] {
      try html.write(toFile: copy, atomically: true, encoding: .utf8)
    }
  }
}
