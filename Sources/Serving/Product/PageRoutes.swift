import CWebPage
import Hummingbird
import HummingbirdCore
import NIOCore

extension Product {
  /// Nothing but the page's own files runs, loads or is called; no text becomes markup, ever.
  static let contentSecurityPolicy = [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:",
    "font-src 'self'", "connect-src 'self'", "manifest-src 'self'", "form-action 'self'",
    "base-uri 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].joined(separator: "; ")

  private static var files: UnsafeBufferPointer<primer_page_file> {
    UnsafeBufferPointer(start: primer_page_files(), count: primer_page_file_count())
  }

  /// Method and path of what is open to anybody: the page's files and the sign-in.
  var open: [String] {
    ["GET /", "GET /sign-in", "GET /api/sign-in", "POST /api/sign-in"] + openID.open
      + Self.files.filter { $0.length > 0 }.map { "GET /" + String(cString: $0.path) }
  }

  /// The page's files as they are in the binary.
  func addPage(to router: Router<some RequestContext>) {
    for file in Self.files where file.length > 0 {
      let path = String(cString: file.path)
      let type = String(cString: file.type)
      let content = ByteBuffer(
        bytes: UnsafeBufferPointer(start: file.bytes, count: file.length))
      router.get(RouterPath(path)) { _, _ in Self.page(content, type) }
      if path == "index.html" { router.get("/") { _, _ in Self.page(content, type) } }
    }
  }

  private static func page(_ content: ByteBuffer, _ type: String) -> Response {
    Response(
      status: .ok,
      headers: [
        .contentType: type, .cacheControl: "no-cache", .xContentTypeOptions: "nosniff",
        .contentSecurityPolicy: contentSecurityPolicy, .init("Referrer-Policy")!: "no-referrer",
        .init("X-Frame-Options")!: "DENY", .init("Cross-Origin-Opener-Policy")!: "same-origin",
      ], body: ResponseBody(byteBuffer: content))
  }
}
