import Foundation
import Synchronization

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// How providers are asked.
protocol OpenIDTransport: Sendable {
  /// The body of an answer of status 200. Throws `OpenIDError`.
  func body(of request: OpenIDRequest) async throws -> Data
}

struct OpenIDRequest: Sendable, Equatable {
  var address: String
  /// Posted as a form where it is not nil.
  var form: String?
  var authorization: String?
}

/// Asks over the network: no redirect is followed, no cookie kept, and no more read than 256 KiB,
/// within 15 seconds.
struct NetworkTransport: OpenIDTransport {
  static let mostBytes = 256 << 10

  func body(of request: OpenIDRequest) async throws -> Data {
    guard isProtectedAddress(request.address), let url = URL(string: request.address) else {
      throw OpenIDError.unprotected(request.address)
    }
    var asked = URLRequest(url: url)
    asked.setValue("application/json", forHTTPHeaderField: "Accept")
    if let form = request.form {
      asked.httpMethod = "POST"
      asked.httpBody = Data(form.utf8)
      asked.setValue("application/x-www-form-urlencoded", forHTTPHeaderField: "Content-Type")
    }
    asked.setValue(request.authorization, forHTTPHeaderField: "Authorization")
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = 10
    configuration.timeoutIntervalForResource = 15
    configuration.httpCookieStorage = nil
    configuration.urlCache = nil
    let receiver = BoundedReceiver()
    let session = URLSession(configuration: configuration, delegate: receiver, delegateQueue: nil)
    defer { session.finishTasksAndInvalidate() }
    let task = session.dataTask(with: asked)
    return try await withCheckedThrowingContinuation { continuation in
      receiver.continuation.withLock { $0 = continuation }
      task.resume()
    }
  }
}

// Safe because its continuation and bytes are behind a lock.
private final class BoundedReceiver: NSObject, URLSessionDataDelegate, @unchecked Sendable {
  // Safe because both are only used within the lock.
  let continuation = Mutex<CheckedContinuation<Data, any Error>?>(nil)
  private let received = Mutex(Data())

  func urlSession(
    _ session: URLSession, task: URLSessionTask,
    willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
    completionHandler: @escaping (URLRequest?) -> Void
  ) { completionHandler(nil) }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    let count = received.withLock {
      $0.append(data)
      return $0.count
    }
    if count > NetworkTransport.mostBytes {
      end(.failure(OpenIDError.provider("its answer is longer than this service reads")))
      dataTask.cancel()
    }
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
  ) {
    if let error {
      return end(.failure(OpenIDError.provider("it cannot be reached: \(error)")))
    }
    let status = (task.response as? HTTPURLResponse)?.statusCode ?? 0
    guard status == 200 else {
      return end(.failure(OpenIDError.provider("it answers with status \(status)")))
    }
    end(.success(received.withLock { $0 }))
  }

  private func end(_ result: Result<Data, any Error>) {
    let waiting = continuation.withLock { held in
      defer { held = nil }
      return held
    }
    waiting?.resume(with: result)
  }
}
