import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// An HTTP server on loopback for tests: gives files, in ranges where asked, and can break off.
final class SmallServer: Sendable {
  struct Behaviour: Sendable {
    var files: [String: [UInt8]] = [:]
    /// Each answer ends after so many bytes of its body.
    var breaksAfter: Int?
    var honoursRanges = true
  }

  let port: UInt16
  let behaviour: Mutex<Behaviour>
  /// "path range" of each request so far.
  let requests = Mutex<[String]>([])
  private let listener: Int32

  init(_ behaviour: Behaviour) throws {
    self.behaviour = Mutex(behaviour)
    #if canImport(Glibc)
      listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      listener = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
          && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard bound else { throw POSIXError(.EADDRNOTAVAIL) }
    port = UInt16(bigEndian: address.sin_port)
    let thread = Thread { [weak self] in
      while true {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0, let self else { return }
        self.serve(connection)
        close(connection)
      }
    }
    thread.start()
  }

  deinit {
    shutdown(listener, Int32(2))
    close(listener)
  }

  func url(_ path: String) -> URL { URL(string: "http://127.0.0.1:\(port)\(path)")! }

  private func serve(_ connection: Int32) {
    var head: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !String(decoding: head, as: UTF8.self).contains("\r\n\r\n") {
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return }
      head += buffer[..<count]
    }
    let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
    let path = String(lines[0].split(separator: " ")[1])
    let range = lines.first { $0.lowercased().hasPrefix("range: bytes=") }
      .flatMap { Int($0.dropFirst("range: bytes=".count).dropLast()) }
    requests.withLock { $0.append("\(path) \(range.map(String.init) ?? "all")") }
    let behaviour = behaviour.withLock { $0 }
    guard let file = behaviour.files[path] else {
      return put(
        connection,
        Array("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8))
    }
    let start = behaviour.honoursRanges ? range ?? 0 : 0
    guard start < file.count || file.isEmpty else {
      return put(
        connection,
        Array("HTTP/1.1 416 Range\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8))
    }
    let status = start > 0 ? "206 Partial Content" : "200 OK"
    let place =
      start > 0 ? "Content-Range: bytes \(start)-\(file.count - 1)/\(file.count)\r\n" : ""
    let body = file[start...]
    put(
      connection,
      Array(
        "HTTP/1.1 \(status)\r\nContent-Length: \(body.count)\r\n\(place)ETag: \"1\"\r\nConnection: close\r\n\r\n"
          .utf8))
    put(connection, Array(body.prefix(behaviour.breaksAfter ?? .max)))
  }

  private func put(_ connection: Int32, _ bytes: [UInt8]) {
    var at = 0
    while at < bytes.count {
      #if canImport(Glibc)
        let flags = Int32(MSG_NOSIGNAL)
      #else
        let flags: Int32 = 0
      #endif
      let sent = bytes[at...].withUnsafeBytes { send(connection, $0.baseAddress!, $0.count, flags) }
      guard sent > 0 else { return }
      at += sent
    }
  }
}
