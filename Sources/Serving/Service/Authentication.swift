import HTTPTypes
import Hummingbird

/// Lets nothing pass that is not open to anybody or sent by somebody known: a route that nobody thought
/// of is refused too.
struct Authentication: RouterMiddleware {
  /// Method and path of what is open to anybody: "GET /health".
  let open: Set<String>
  /// Prefixes of paths of files that are open to anybody: "/assets/".
  let openPrefixes: [String]
  let sources: [any CallerSource]

  func handle(
    _ request: Request, context: ServiceContext,
    next: @concurrent (Request, ServiceContext) async throws -> Response
  ) async throws -> Response {
    var context = context
    for source in sources where context.caller == nil {
      context.caller = try await source.caller(of: request)
    }
    guard context.caller != nil || isOpen(request) else { throw APIError.unauthorized }
    return try await next(request, context)
  }

  private func isOpen(_ request: Request) -> Bool {
    let path = request.uri.path
    return open.contains("\(request.method.rawValue) \(path)")
      || (request.method == .get && openPrefixes.contains { path.hasPrefix($0) })
  }
}

/// Answers only to the names of the service, so that a page of elsewhere whose name was bent to this
/// address (DNS rebinding) gets nothing.
struct HostCheck: RouterMiddleware {
  /// Lower-case names without ports; addresses spelled in digits always pass, no name hides there.
  let names: Set<String>

  func handle(
    _ request: Request, context: ServiceContext,
    next: @concurrent (Request, ServiceContext) async throws -> Response
  ) async throws -> Response {
    guard let authority = request.head.authority, isOurs(authority) else {
      throw APIError(
        status: .misdirectedRequest,
        message: "This service is not called so; name its host in its configuration.",
        type: "invalid_request_error", code: "unknown_host")
    }
    return try await next(request, context)
  }

  func isOurs(_ authority: String) -> Bool {
    var host = authority.lowercased()
    if host.hasPrefix("[") {
      return host.contains("]")
        && host.dropFirst().prefix { $0 != "]" }.allSatisfy { $0.isHexDigit || ":.".contains($0) }
    }
    if let colon = host.lastIndex(of: ":") { host = String(host[..<colon]) }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    let isAddress = parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    return isAddress || names.contains(host)
  }
}
