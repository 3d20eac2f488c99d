import ArgumentParser
import Foundation
import PrimerAlignment
import PrimerFiles
import PrimerGeneration
import PrimerTensors
import PrimerTokenizers
import PrimerTraining

struct TuneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tune", abstract: "Tune a model on examples.",
    discussion: """
      Example:
        primer tune --model smollm2-135m-instruct --method head --task classify \\
          --data labelled.jsonl --output runs/head

      head: the model stays as it is; a head over its hidden states learns which labels fit a text. Data are \
      JSON lines {"text": ..., "labels": {"name": 0 or 1, ...}}, an absent name being unknown, or \
      {"text": ..., "label": ...}. Every fifth text by its hash is held out to test by. The run folder gets \
      head.safetensors and metrics.json; interrupted (Ctrl-C), it keeps what was read, and --resume goes on.
      """)

  enum Method: String, ExpressibleByArgument, CaseIterable { case full, lora, prompt, head }
  enum Task: String, ExpressibleByArgument, CaseIterable { case chat, classify, regress, tag, span }

  @Option(help: "A model folder, a run folder, a .gguf file or a name of the catalogue.")
  var model: String

  @Option(help: "Examples, as JSON lines.")
  var data: String

  @Option(help: "The run folder to make, or to go on with.")
  var output: String

  @Option(help: "What is tuned; so far: head.")
  var method: Method

  @Option(help: "What for; so far: classify.")
  var task = Task.classify

  @Option(
    parsing: .unconditional,
    help: "The weight of the penalty on large weights, lambda in lambda/2 |w|^2.")
  var decay = HeadTraining.standardDecay

  @Flag(help: "Go on with what an interrupted run has read.")
  var resume = false

  @OptionGroup var options: OutputOptions

  func validate() throws {
    guard method == .head else {
      throw ValidationError("--method \(method.rawValue) is not there yet; --method head is")
    }
    guard task == .classify else {
      throw ValidationError("--task \(task.rawValue) is not there yet; --task classify is")
    }
    guard decay > 0, decay.isFinite else {
      throw ValidationError("--decay should be a number above 0")
    }
  }

  func run() throws {
    try options.run {
      try options.withThreads {
        let start = ContinuousClock.now
        let texts = try LabelledText.read(URL(filePath: data))
        let generator = try ModelLocation.load(model)
        let folder = URL(filePath: output)
        let states = try TextStates(
          generator, texts.map(\.text), base: baseName, folder: folder, resumes: resume)
        let signals = SignalWatcher()
        let isComplete = try states.read(stopsIf: { signals.received != nil }) { report($0, $1) }
        guard isComplete else {
          options.note("Interrupted; the same command with --resume goes on.")
          throw ExitCode(130)
        }
        let result = try HeadTraining(texts, states: states.values, decay: decay)
          .run(base: baseName)
        try result.head.write(to: folder.appending(path: "head.safetensors"))
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let fields = fields(result, tokens: states.tokens, seconds: seconds)
        let document = Data((JSONValue.object(fields).text + "\n").utf8)
        try AtomicFile.write(document, to: folder.appending(path: "metrics.json"))
        states.discard()
        if options.json {
          try StandardOutput.write(document)
        } else {
          try StandardOutput.write(Self.table(result))
        }
      }
    }
  }

  private var baseName: String {
    let url = URL(filePath: model)
    return (url.pathExtension == "gguf" ? url.deletingPathExtension() : url).lastPathComponent
  }

  private func report(_ done: Int, _ all: Int) {
    guard done % 100 == 0 || done == all else { return }
    options.note("read \(done) of \(all) texts")
  }

  private func fields(
    _ result: HeadTraining.Result, tokens: Int, seconds: Double
  ) -> [(key: String, value: JSONValue)] {
    [
      ("steps", .integer(result.steps)), ("train_loss", .number(result.trainLoss)),
      ("validation_loss", .number(result.validationLoss)), ("tokens", .integer(tokens)),
      ("tokens_per_second", .number(Double(tokens) / seconds)), ("seconds", .number(seconds)),
      ("peak_memory_bytes", .integer(ProcessUsage.current.peakMemoryBytes)),
      ("flops_utilisation", .null),
      ("metrics", Self.metrics(result.crossValidated)),
      ("test_metrics", Self.metrics(result.heldOut)),
    ]
  }

  private static func metrics(_ all: [LabelMetrics]) -> JSONValue {
    .object(
      all.map { one in
        (
          one.label,
          .object([
            ("precision", .number(one.precision)), ("recall", .number(one.recall)),
            ("f1", .number(one.f1)), ("average_precision", .number(one.averagePrecision)),
            ("threshold", .number(one.threshold)), ("positives", .integer(one.positives)),
            ("known", .integer(one.known)),
          ])
        )
      })
  }

  /// One line a label: what cross-validation says, and behind it the texts held out.
  private static func table(_ result: HeadTraining.Result) -> String {
    func cells(_ one: LabelMetrics) -> String {
      [
        String(format: "%4d / %4d", one.positives, one.known),
        String(format: "%.2f", one.precision), String(format: "%.2f", one.recall),
        String(format: "%.2f", one.averagePrecision),
      ].joined(separator: " | ")
    }
    let rows = zip(result.crossValidated, result.heldOut).map { validated, tested in
      "| \(validated.label) | \(cells(validated)) | \(cells(tested)) | "
        + String(format: "%.3f", validated.threshold) + " |"
    }
    return """
      \(result.trainTexts) texts to learn from, cross-validated, and \(result.heldOutTexts) held out
      | label | positive / known | precision | recall | average precision | held out | \
      precision | recall | average precision | threshold |
      | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
      \(rows.joined(separator: "\n"))

      """
  }
}
