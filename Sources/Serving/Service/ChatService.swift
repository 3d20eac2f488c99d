import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// The chat service: the API over HTTP, until SIGTERM or SIGINT.
public struct ChatService: Sendable {
  private let configuration: ServiceConfiguration

  public init(_ configuration: ServiceConfiguration) { self.configuration = configuration }

  /// Serves until told to stop; `onReady` gets the address once it listens.
  public func run(onReady: @escaping @Sendable (_ url: String) -> Void) async throws {
    let router = Router(context: ServiceContext.self)
    router.get("health") { _, _ in Response(status: .ok) }
    let host = configuration.host
    let application = Application(
      router: router,
      server: .http1(configuration: transport),
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: configuration.port),
        availableConnectionsDelegate: MaximumAvailableConnections(
          configuration.limits.connections)),
      onServerRunning: { channel in
        onReady("http://\(host):\(channel.localAddress?.port ?? 0)")
      })
    try await application.runService()
  }

  private var transport: HTTP1Channel.Configuration {
    HTTP1Channel.Configuration(
      idleTimeout: TimeAmount(configuration.limits.idle),
      httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
        maxHeaderFieldSize: configuration.limits.header,
        maxHeaderListSize: configuration.limits.header, maxHeaderFieldCount: 128))
  }
}
