package import Foundation
import GRDB
import PrimerFiles

/// What the service keeps: one SQLite file in its data folder, in WAL mode.
///
/// What a call has returned is on the disk (`synchronous = FULL`): ending the process, or the
/// machine, at any moment loses none of it. An answer that was being written then is kept as far as
/// it was last saved, and is marked as stopped when the store is next opened for service.
package final class Store: Sendable {
  let database: DatabasePool
  package static let fileName = "primer.sqlite"

  /// Opens or makes the store in `folder`. Throws `StoreError.unusable`.
  package init(folder: URL) throws {
    do {
      try FileManager.default.createDirectory(
        at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
      let path = folder.appendingPathComponent(Self.fileName).path
      database = try DatabasePool(path: path, configuration: Self.configuration)
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
      try StoreSchema.migrator.migrate(database)
    } catch {
      throw StoreError.unusable(path: folder.path, reason: FileError.reason(error))
    }
  }

  /// Opens the store that a service has made. Throws `StoreError.missing` and `.unusable`.
  package convenience init(existing folder: URL) throws {
    let file = folder.appendingPathComponent(Self.fileName)
    guard FileManager.default.fileExists(atPath: file.path) else {
      throw StoreError.missing(path: folder.path)
    }
    try self.init(folder: folder)
  }

  private static var configuration: Configuration {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = true
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { database in
      try database.execute(sql: "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
    }
    return configuration
  }

  /// The store as `user` may see it.
  package func owned(by user: User.ID) -> OwnedStore { OwnedStore(database: database, user: user) }

  /// The store as an administrator sees it; nil for anybody else.
  package func administered(by user: User) -> AdministeredStore? {
    user.role == .admin ? AdministeredStore(database: database) : nil
  }

  /// Answers that a process was writing when it ended: nobody writes them any more.
  package func endUnfinishedAnswers() async throws {
    try await database.write { database in
      try database.execute(sql: "UPDATE messages SET state = 'stopped' WHERE state = 'writing'")
    }
  }

  /// Copies the store of a running service into `file` by SQLite's online backup. The copy has its
  /// name only when it is whole. Throws `StoreError`, and `FileError` where something is in the way.
  package static func backup(folder: URL, to file: URL) throws {
    let source = folder.appendingPathComponent(fileName)
    guard FileManager.default.fileExists(atPath: source.path) else {
      throw StoreError.missing(path: folder.path)
    }
    try checkFree(file, of: source)
    let partial = file.path + ".partial"
    do {
      try? FileManager.default.removeItem(atPath: partial)
      let from = try DatabasePool(path: source.path, configuration: configuration)
      var plain = Configuration()
      plain.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = FULL") }
      let copy = try DatabaseQueue(path: partial, configuration: plain)
      try from.backup(to: copy)
      try copy.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
      try copy.close()
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: partial)
      guard rename(partial, file.path) == 0 else {
        throw StoreError.unusable(path: file.path, reason: String(cString: strerror(errno)))
      }
    } catch {
      try? FileManager.default.removeItem(atPath: partial)
      throw error as? StoreError
        ?? .unusable(path: file.path, reason: FileError.reason(error))
    }
  }
}

extension Store {
  /// A backup may replace a plain file, an older one, but neither the store nor what only looks like a
  /// file, such as a device.
  private static func checkFree(_ file: URL, of store: URL) throws {
    func refusal(_ reason: String) -> FileError {
      .inputOutput(file, action: "create", reason: "\(reason); give the copy another name")
    }
    func identity(_ path: String) -> [AnyHashable?]? {
      (try? FileManager.default.attributesOfItem(atPath: path)).map {
        [$0[.systemNumber] as? AnyHashable, $0[.systemFileNumber] as? AnyHashable]
      }
    }
    guard let there = try? FileManager.default.attributesOfItem(atPath: file.path) else { return }
    guard there[.type] as? FileAttributeType == .typeRegular else {
      throw refusal("something other than a plain file is there")
    }
    let path = store.resolvingSymlinksInPath().path
    let kept = ["", "-wal", "-shm"].compactMap { identity(path + $0) }
    guard let place = identity(file.path), !kept.contains(place) else {
      throw refusal("the store itself is there")
    }
  }
}

/// 128 random bits as 32 hexadecimal digits: an id that cannot be guessed. (That it is hard to guess
/// protects nothing: ownership does.)
func randomIdentifier() -> String { randomHexadecimal(bytes: 16) }

/// From the system's generator, which is fit for secrets.
func randomHexadecimal(bytes: Int) -> String {
  var generator = SystemRandomNumberGenerator()
  return (0..<bytes).map { _ in
    let byte = UInt8.random(in: 0...255, using: &generator)
    return (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }.joined()
}
