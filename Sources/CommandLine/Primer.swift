import ArgumentParser

@main
struct Primer: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "primer",
    abstract: "A complete language-model system: tokenizer, pretraining, generation, on ordinary CPUs.",
    subcommands: [])
}
