import Foundation
import Synchronization

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Tells how far a download is: bytes so far, and in all where that is known.
public typealias DownloadProgress = @Sendable (_ done: Int, _ total: Int?) -> Void

/// One file by HTTP into a part file, which a later call goes on with.
enum Download {
  /// Fetches `url` to the end of `part`; whole when it returns.
  /// - Throws: `CatalogueError.download`; what has arrived stays in `part`.
  static func fetch(
    _ url: URL, to part: URL, token: String? = nil, progress: @escaping DownloadProgress
  ) async throws {
    let tagFile = part.appendingPathExtension("etag")
    var request = URLRequest(url: url, timeoutInterval: 60)
    request.setValue("primer", forHTTPHeaderField: "User-Agent")
    if let token { request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization") }
    let present = Self.size(of: part)
    if present > 0 {
      request.setValue("bytes=\(present)-", forHTTPHeaderField: "Range")
      if let tag = try? String(contentsOf: tagFile, encoding: .utf8), !tag.isEmpty {
        request.setValue(tag, forHTTPHeaderField: "If-Range")
      }
    }
    let receiver = Receiver(url: url, part: part, tagFile: tagFile, present: present, progress)
    let session = URLSession(configuration: .ephemeral, delegate: receiver, delegateQueue: nil)
    defer { session.finishTasksAndInvalidate() }
    let task = session.dataTask(with: request)
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        receiver.begin(continuation)
        task.resume()
      }
    } onCancel: {
      task.cancel()
    }
    try? FileManager.default.removeItem(at: tagFile)
  }

  static func size(of url: URL) -> Int {
    (try? FileManager.default.attributesOfItem(atPath: url.path)[.size] as? Int) ?? 0
  }
}

/// Writes what arrives behind what is there.
private final class Receiver: NSObject, URLSessionDataDelegate, @unchecked Sendable {
  // Safe because the session calls its delegate on one serial queue, and `begin` comes before.
  private let url, part, tagFile: URL
  private let progress: DownloadProgress
  private var done: Int
  private var total: Int?
  private var file: FileHandle?
  private var failure: String?
  private var continuation: CheckedContinuation<Void, any Error>?

  init(url: URL, part: URL, tagFile: URL, present: Int, _ progress: @escaping DownloadProgress) {
    (self.url, self.part, self.tagFile) = (url, part, tagFile)
    done = present
    self.progress = progress
  }

  func begin(_ continuation: CheckedContinuation<Void, any Error>) {
    self.continuation = continuation
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    failure = accept(response)
    completionHandler(failure == nil ? .allow : .cancel)
  }

  /// Opens the part file for what the response brings; nil, or what is wrong.
  private func accept(_ response: URLResponse) -> String? {
    guard let response = response as? HTTPURLResponse else { return "not an answer of HTTP" }
    let length = response.expectedContentLength
    switch response.statusCode {
    case 200:
      done = 0
      total = length >= 0 ? Int(length) : nil
    case 206:
      total = length >= 0 ? done + Int(length) : nil
    case 416:
      // Nothing is left to send: the part was whole.
      total = done
      return nil
    case 401, 403:
      return
        "the server refuses (\(response.statusCode)); accept the model's terms there and set HF_TOKEN"
    case 404: return "no such file (404); check the name"
    default: return "the server answers \(response.statusCode)"
    }
    if let tag = response.value(forHTTPHeaderField: "ETag"), !tag.hasPrefix("W/") {
      try? Data(tag.utf8).write(to: tagFile)
    }
    if !FileManager.default.fileExists(atPath: part.path),
      !FileManager.default.createFile(atPath: part.path, contents: nil)
    {
      return "cannot create \(part.path)"
    }
    do {
      let file = try FileHandle(forWritingTo: part)
      try file.truncate(atOffset: UInt64(done))
      self.file = file
    } catch {
      return "cannot write \(part.path): \(error.localizedDescription)"
    }
    return nil
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    guard failure == nil, let file else { return }
    do {
      try file.write(contentsOf: data)
      done += data.count
      progress(done, total)
    } catch {
      failure = "cannot write \(part.path): \(error.localizedDescription)"
      dataTask.cancel()
    }
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
  ) {
    try? file?.close()
    var reason = failure ?? error?.localizedDescription
    if reason == nil, let total, done != total {
      reason = "the connection ended after \(done) of \(total) bytes"
    }
    if let reason {
      continuation?.resume(throwing: CatalogueError.download(url.absoluteString, reason: reason))
    } else {
      continuation?.resume()
    }
    continuation = nil
  }
}
