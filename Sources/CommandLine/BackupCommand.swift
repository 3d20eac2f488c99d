import ArgumentParser
import Foundation
import PrimerServing

struct BackupCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup", abstract: "Copy the store of a service, running or not, into one file.",
    discussion: """
      Example:
        primer backup --data primer-data --output monday.sqlite

      The file has accounts, conversations and feedback. Copy what else the data folder has beside
      it: keys.json, responses/ and sign-in.json.

      To go back to it, stop the service, remove primer.sqlite-wal and primer.sqlite-shm from its data
      folder, and put the file there as primer.sqlite.
      """)

  @Option(help: "The data folder of the service.")
  var data: String

  @Option(help: "Where the copy goes; it has this name only when it is whole.")
  var output: String

  @OptionGroup var options: OutputOptions

  func run() async throws {
    try await options.runWaiting {
      let file = URL(filePath: output)
      try Store.backup(folder: URL(filePath: data), to: file)
      let bytes = try file.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0
      try options.report(["path": .text(file.path), "bytes": .whole(bytes)])
    }
  }
}

struct FeedbackCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "feedback", abstract: "What users said of answers.",
    subcommands: [FeedbackExportCommand.self])
}

struct FeedbackExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write feedback as data files for tuning and alignment.",
    discussion: """
      Writes chat.jsonl, preferences.jsonl, rankings.jsonl and ratings.jsonl (thumbs, with reasons),
      each with what the model read and what made the answers: of users who agreed to it, and of
      conversations that still exist. Example:
        primer feedback export --data primer-data --output feedback
      """)

  @Option(help: "The data folder of the service.")
  var data: String

  @Option(help: "The folder to write to.")
  var output: String

  @OptionGroup var options: OutputOptions

  func run() async throws {
    try await options.runWaiting {
      let export = try await FeedbackExport(Store(existing: URL(filePath: data)))
      try export.write(to: URL(filePath: output))
      try options.report(["examples": .whole(export.examples)])
    }
  }
}

extension StoreError: ExitStatusProviding {
  var exitStatus: ExitStatus {
    switch self {
    case .missing: .inputMissing
    case .unusable: .cannotCreate
    case .notFound, .taken, .invalid: .badData
    }
  }
}
