public import Foundation
import PrimerFiles

/// `report.html` of a run: one file that shows how it went, without a network.
public struct RunReport: Sendable {
  public var recipe: Recipe
  public var parameterCount: Int
  public var vocabularySize: Int
  public var entries: [MetricsEntry]
  public var isFinished: Bool
  public var machine: MachineDescription
  public var threads: Int
  /// Of the kernels: "avx512", "avx2" or "portable".
  public var instructionSet: String
  public var peakMemoryBytes: Int
  public var date: Date

  public init(
    recipe: Recipe, parameterCount: Int, vocabularySize: Int, entries: [MetricsEntry],
    isFinished: Bool, machine: MachineDescription = .current, threads: Int,
    instructionSet: String, peakMemoryBytes: Int, date: Date = Date()
  ) {
    self.recipe = recipe
    self.parameterCount = parameterCount
    self.vocabularySize = vocabularySize
    self.entries = entries
    self.isFinished = isFinished
    self.machine = machine
    self.threads = threads
    self.instructionSet = instructionSet
    self.peakMemoryBytes = peakMemoryBytes
    self.date = date
  }

  public func write(to run: RunFolder) throws {
    try AtomicFile.write(html.utf8, to: run.file("report.html"))
  }

  public var html: String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(escaped(recipe.name)) · Primer</title>
    <style>
    \(ReportStyle.css)
    </style>
    </head>
    <body>
    <header>
    <div class="brand"><span>Primer · training report</span>\(state)</div>
    <h1>\(escaped(recipe.name))</h1>
    <p class="lead">\(escaped(lead))</p>
    <dl class="figures">\(figures)</dl>
    </header>
    <main>
    \(charts)\(samples)
    <h2>How it was made</h2>
    <div class="tables">
    \(table("Run", runFacts))
    \(table("Machine", machineFacts))
    \(table("Recipe", recipe.fields.map { ($0.key, $0.value.debugDescription.dropQuotes) }, wide: true))
    </div>
    </main>
    <footer>Written by Primer on \(escaped(date.formatted(.iso8601))). The numbers behind the curves are in metrics.jsonl beside this file.</footer>
    <script>
    \(ReportStyle.script)
    </script>
    </body>
    </html>

    """
  }

  private var seconds: Double? { entries.compactMap(\.seconds).last }

  private var lastStep: Int { entries.map(\.step).max() ?? 0 }

  private var state: String {
    !isFinished
      ? "<span class=\"state\">step \(Progress.grouped(lastStep)) of "
        + "\(Progress.grouped(recipe.steps))</span>"
      : "<span class=\"state finished\">finished</span>"
  }

  private var lead: String {
    let family =
      switch recipe.family {
      case .gpt2: "GPT-2"
      case .llama: "Llama"
      }
    let time = seconds.map { " in " + Self.unbroken(Progress.duration($0)) } ?? ""
    return """
      A \(family) model of \(Self.short(Double(parameterCount))) parameters, trained on \
      \(Self.short(Double(lastStep * recipe.tokensPerStep))) tokens\(time), on \
      \(threads) \(threads == 1 ? "thread" : "threads") of an ordinary processor.
      """
  }

  private static func unbroken(_ text: String) -> String {
    text.replacingOccurrences(of: " ", with: "\u{A0}")
  }

  /// "810 thousand", "1.54 million".
  static func short(_ value: Double) -> String {
    switch value {
    case ..<1e3: return Progress.fixed(value, 0)
    case ..<1e6: return Progress.fixed(value / 1e3, 0) + " thousand"
    case ..<1e9: return Progress.fixed(value / 1e6, value < 1e7 ? 2 : 1) + " million"
    default: return Progress.fixed(value / 1e9, value < 1e10 ? 2 : 1) + " billion"
    }
  }
}

extension RunReport {
  private var figures: String {
    let train = ReportCurve.smooth(lossPoints).last?.y
    let validation = entries.compactMap(\.validationLoss).last
    let bits = entries.compactMap(\.bitsPerByte).last
    let rate = Self.median(points(\.tokensPerSecond))
    let share = Self.median(points(\.utilisation))
    var tiles: [(name: String, value: String, unit: String)] = []
    if let validation { tiles.append(("validation loss", Progress.fixed(validation, 4), "nats")) }
    if let train { tiles.append(("training loss", Progress.fixed(train, 4), "nats")) }
    if let bits { tiles.append(("bits per byte", Progress.fixed(bits, 3), "")) }
    if let rate {
      tiles.append(("tokens a second", Progress.grouped(Int(rate.rounded())), ""))
    }
    if let share { tiles.append(("of peak arithmetic", Progress.fixed(100 * share, 0), "%")) }
    tiles.append(("peak memory", Progress.fixed(Double(peakMemoryBytes) / 1e6, 0), "MB"))
    return tiles.enumerated().map { number, tile in
      """
      <div\(number == 0 ? " class=\"main\"" : "")><dt>\(tile.name)</dt>\
      <dd>\(tile.value) <small>\(tile.unit)</small></dd></div>
      """
    }
    .joined()
  }

  private static func median(_ points: [(x: Double, y: Double)]) -> Double? {
    let sorted = points.map(\.y).filter(\.isFinite).sorted()
    return sorted.isEmpty ? nil : sorted[sorted.count / 2]
  }

  private var lossPoints: [(x: Double, y: Double)] { points(\.trainLoss) }

  private func points(_ field: KeyPath<MetricsEntry, Double?>) -> [(x: Double, y: Double)] {
    entries.compactMap { entry in entry[keyPath: field].map { (Double(entry.step), $0) } }
  }

  private var charts: String {
    let html = lossChart + rateChart + gradientChart + speedChart
    return html.isEmpty ? "" : "<div class=\"charts\" style=\"margin-top:.75rem\">\n\(html)</div>\n"
  }

  private var lossChart: String {
    let smooth = ReportCurve.smooth(lossPoints)
    let validation = points(\.validationLoss)
    return chart(
      "loss", "Loss", "nats a token",
      """
      Training loss went from \(Self.text(smooth.first?.y)) to \(Self.text(smooth.last?.y)) and \
      validation loss from \(Self.text(validation.first?.y)) to \(Self.text(validation.last?.y)) \
      nats a token, over \(Progress.grouped(lastStep)) steps.
      """,
      [
        .init(
          name: "each batch", style: .raw, colour: "train",
          points: ReportCurve.envelope(lossPoints)),
        .init(name: "training", style: .curve, colour: "train", points: smooth),
        .init(name: "validation", style: .points, colour: "validation", points: validation),
      ], isLarge: true
    ) { Progress.fixed($0, 2) }
  }

  private var rateChart: String {
    let rates = points(\.rate)
    return chart(
      "rate", "Learning rate", "",
      "At most \(Self.scientific(rates.map(\.y).max() ?? 0)), at the end "
        + "\(Self.scientific(rates.last?.y ?? 0)).",
      [
        .init(
          name: "rate", style: .curve, colour: "other", points: ReportCurve.envelope(rates))
      ], fromZero: true, format: Self.scientific)
  }

  private var gradientChart: String {
    let norms = points(\.gradientNorm)
    let sorted = norms.map(\.y).filter(\.isFinite).sorted()
    return chart(
      "gradient", "Gradient norm", "before clipping",
      "Median \(Self.text(Self.median(norms))).",
      [
        .init(
          name: "each step", style: .raw, colour: "train", points: ReportCurve.envelope(norms)),
        .init(
          name: "average", style: .curve, colour: "train", points: ReportCurve.smooth(norms)),
      ], fromZero: true, ceiling: sorted.isEmpty ? nil : sorted[(sorted.count - 1) * 99 / 100]
    ) { Progress.fixed($0, 1) }
  }

  private var speedChart: String {
    let speeds = points(\.tokensPerSecond)
    return chart(
      "speed", "Throughput", "thousand tokens a second",
      "At the end \(Self.text(speeds.last.map { $0.y / 1000 })) thousand tokens a second.",
      [
        .init(
          name: "throughput", style: .curve, colour: "other",
          points: ReportCurve.smooth(speeds.map { ($0.x, $0.y / 1000) }))
      ], fromZero: true
    ) { Progress.fixed($0, 1) }
  }

  private func chart(
    _ id: String, _ title: String, _ unit: String, _ description: String,
    _ series: [ReportChart.Series], isLarge: Bool = false, fromZero: Bool = false,
    ceiling: Double? = nil,
    format: @escaping (Double) -> String
  ) -> String {
    ReportChart(
      id: id, title: title, description: description, unit: unit, series: series,
      lastStep: Double(max(1, lastStep)), isLarge: isLarge, fromZero: fromZero, ceiling: ceiling,
      format: format
    ).html
  }

  private static func text(_ value: Double?) -> String {
    value.map { Progress.fixed($0, 2) } ?? "unknown"
  }

  /// "6e-4"
  private static func scientific(_ value: Double) -> String {
    guard value > 0, value.isFinite else { return "0" }
    let power = Int(log10(value).rounded(.down))
    let digits = (value / pow(10, Double(power)) * 100).rounded() / 100
    let mantissa = digits == digits.rounded() ? "\(Int(digits))" : "\(digits)"
    return "\(mantissa)e\(power)"
  }
}

extension RunReport {
  private var samples: String {
    let written = entries.filter { $0.sample != nil }
    guard !written.isEmpty else { return "" }
    let shown = Self.spread(written, 8).reversed().enumerated().map { number, entry in
      let text = entry.sample!
      let isPrompted = text.hasPrefix(recipe.prompt)
      let isShown = isPrompted && recipe.prompt.contains { !$0.isWhitespace }
      let prompt = isShown ? "<mark>\(escaped(recipe.prompt))</mark>" : ""
      let rest = isPrompted ? String(text.dropFirst(recipe.prompt.count)) : text
      let start = text.split(whereSeparator: \.isWhitespace).prefix(14).joined(separator: " ")
      return """
        <details class="sample"\(number == 0 ? " open" : "")>\
        <summary><b>step \(Progress.grouped(entry.step))</b>\
        <span>\(escaped(start)) …</span></summary>\
        <pre>\(prompt)\(escaped(rest))</pre></details>
        """
    }
    return
      "<h2>What it writes</h2>\n<div class=\"samples\">\n\(shown.joined(separator: "\n"))\n</div>\n"
  }

  /// At most `count` of the entries, the first and the last among them.
  private static func spread(_ entries: [MetricsEntry], _ count: Int) -> [MetricsEntry] {
    guard entries.count > count else { return entries }
    return (0..<count).map { entries[$0 * (entries.count - 1) / (count - 1)] }
  }

  private var runFacts: [(String, String)] {
    var facts = [
      ("steps", "\(Progress.grouped(lastStep)) of \(Progress.grouped(recipe.steps))"),
      ("tokens", Progress.grouped(lastStep * recipe.tokensPerStep)),
      ("tokens a step", Progress.grouped(recipe.tokensPerStep)),
      ("parameters", Progress.grouped(parameterCount)),
      ("vocabulary", Progress.grouped(vocabularySize)),
    ]
    if let best = points(\.validationLoss).filter({ $0.y.isFinite }).min(by: { $0.y < $1.y }) {
      facts.append(
        (
          "best validation loss",
          "\(Progress.fixed(best.y, 4)) at step \(Progress.grouped(Int(best.x)))"
        ))
    }
    if let seconds { facts.append(("time of training", Progress.duration(seconds))) }
    if let rate = Self.median(points(\.tokensPerSecond)) {
      let operations = recipe.operationsPerToken(vocabulary: vocabularySize) * rate
      facts.append(("arithmetic", "\(Progress.fixed(operations / 1e9, 0)) GFLOP/s"))
    }
    return facts
  }

  private var machineFacts: [(String, String)] {
    [
      ("processor", machine.processor),
      ("processors", "\(machine.processorCount)"),
      ("threads used", "\(threads)"),
      ("instructions", instructionSet),
      ("memory", Progress.fixed(Double(machine.memoryBytes) / 1e9, 1) + " GB"),
      ("system", machine.operatingSystem),
    ]
  }

  private func table(_ title: String, _ rows: [(String, String)], wide: Bool = false) -> String {
    let lines = rows.map { "<div><dt>\(escaped($0.0))</dt><dd>\(escaped($0.1))</dd></div>" }
    return """
      <section class="table\(wide ? " wide" : "")"><h3>\(title)</h3>\
      <dl>\(lines.joined())</dl></section>
      """
  }
}

extension String {
  /// Of a debug description: line feeds stay visible as \n, the quotes go.
  fileprivate var dropQuotes: String { String(dropFirst().dropLast()) }
}
