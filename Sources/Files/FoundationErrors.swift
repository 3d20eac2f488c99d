package import Foundation

extension FileError {
  /// What Foundation says of a file, in the system's words; nil of what is no such error, or names no
  /// file.
  /// - Parameter url: the file, where the error does not name it.
  package init?(foundation error: any Error, of url: URL? = nil) {
    let error = error as NSError
    guard error.domain == NSCocoaErrorDomain,
      error.code == CocoaError.fileNoSuchFile.rawValue || 256..<1024 ~= error.code,
      let url = Self.place(error) ?? url
    else { return nil }
    switch error.code {
    case CocoaError.fileReadNoSuchFile.rawValue: self = .missing(url)
    case 256..<512: self = .inputOutput(url, action: "read", reason: Self.reason(error))
    default:
      let isDevice = [ENOSPC, EIO, EDQUOT].contains(Self.systemCode(error))
      self = .inputOutput(
        url, action: isDevice ? "write" : "create", reason: Self.reason(error))
    }
  }

  /// Why something failed, in the system's words where it has any.
  package static func reason(_ error: any Error) -> String {
    systemCode(error as NSError).map(reason) ?? "\(error)"
  }

  /// The number that the system gave for what Foundation calls otherwise.
  private static func systemCode(_ error: NSError) -> Int32? {
    // Outside of Apple's systems what lies beneath is an `Error`, but no `NSError`.
    let beneath = (error.userInfo[NSUnderlyingErrorKey] as? any Error).map { $0 as NSError }
    let system = error.domain == NSPOSIXErrorDomain ? error : beneath
    return system.flatMap { $0.domain == NSPOSIXErrorDomain ? Int32($0.code) : nil }
  }

  private static func place(_ error: NSError) -> URL? {
    let paths = ["NSDestinationFilePath", NSFilePathErrorKey].compactMap {
      error.userInfo[$0] as? String
    }
    return paths.first.map { URL(filePath: $0) } ?? error.userInfo[NSURLErrorKey] as? URL
  }
}
