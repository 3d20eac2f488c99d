import HTTPTypes
import Hummingbird
import Logging

/// One line of log a request: never what was asked or answered.
struct RequestLog: RouterMiddleware {
  let meters: ServiceMeters

  func handle(
    _ request: Request, context: ServiceContext,
    next: @concurrent (Request, ServiceContext) async throws -> Response
  ) async throws -> Response {
    let begun = ContinuousClock.now
    var response = try await next(request, context)
    let status = response.status.code
    let body = response.body
    let logger = context.logger
    response.body = ResponseBody(contentLength: body.contentLength) { writer in
      defer {
        let time = ContinuousClock.now - begun
        meters.requestDone(
          method: context.endpointPath == nil ? "other" : request.method.rawValue,
          route: context.endpointPath ?? "unknown", status: status, time)
        logger.info(
          "request",
          metadata: [
            "method": "\(LogText.escaped(request.method.rawValue))",
            "path": "\(LogText.escaped(request.uri.path))", "status": "\(status)",
            "seconds": "\(time / .seconds(1))",
          ])
      }
      try await body.write(writer)
    }
    return response
  }
}
