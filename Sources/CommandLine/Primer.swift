import ArgumentParser

@main
struct Primer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "primer",
    abstract: "A complete language-model system for ordinary CPUs.",
    discussion: """
      Train a small model on a text and let it write:
        primer pretrain --recipe shakespeare-char --data input.txt --output run
        primer generate --model run --prompt "ROMEO:"
      """,
    subcommands: [
      PretrainCommand.self, TuneCommand.self, GenerateCommand.self, EvaluateCommand.self,
      TokenizerCommand.self,
      ChatCommand.self, PullCommand.self, ModelsCommand.self, InspectCommand.self,
      QuantizeCommand.self,
      ExportCommand.self, ServeCommand.self, BackupCommand.self, FeedbackCommand.self,
      BenchCommand.self,
    ])

  /// Wrong usage ends with 64 whatever the parser calls it; the rest is the command's own.
  static func main() async {
    StandardOutput.guardClosedStreams()
    do {
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      exit(withError: error)
    }
  }
}

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure the speed of this machine.",
    subcommands: [
      BenchGenerateCommand.self, BenchTrainCommand.self, BenchMatmulCommand.self,
      BenchMemoryCommand.self, BenchTokenizerCommand.self, BenchConstraintCommand.self,
    ])
}
