import Foundation
public import Logging

/// Logs on standard error, a line an event: for people, or one JSON object each for programs.
public struct ServiceLog: LogHandler {
  public var metadata: Logger.Metadata = [:]
  public var logLevel = Logger.Level.info
  public var metadataProvider: Logger.MetadataProvider?
  private let isJSON: Bool

  public init(isJSON: Bool) { self.isJSON = isJSON }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    let line = line(event.level, event.message, all.sorted { $0.key < $1.key }) + "\n"
    FileHandle.standardError.write(Data(line.utf8))
  }

  /// What others wrote is escaped in both forms.
  func line(
    _ level: Logger.Level, _ message: Logger.Message,
    _ metadata: [(key: String, value: Logger.Metadata.Value)]
  ) -> String {
    let time = Date().ISO8601Format(
      Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    let fields = [("time", time), ("level", level.rawValue), ("message", "\(message)")]
    let all = fields + metadata.map { ($0.key, "\($0.value)") }
    guard !isJSON else { return JSONLine.text(all) }
    let rest = metadata.map { "\($0.key)=\(LogText.escaped("\($0.value)"))" }
    return ([time, level.rawValue, LogText.escaped("\(message)")] + rest).joined(separator: " ")
  }
}
