import Foundation
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
import PrimerFiles
import PrimerGeneration
import PrimerTensors
import ServiceLifecycle
import UnixSignals

/// The chat service: the API over HTTP, until SIGTERM or SIGINT.
public struct ChatService: Sendable {
  /// What the service says of itself once it answers.
  public struct Announcement: Sendable {
    public let url: String
    public let models: [String]
    /// The first key, made at first start and told this once.
    public let key: String?
    /// Opens the page in a browser, signed in as the owner of this machine, once.
    public let link: String
  }

  private let configuration: ServiceConfiguration
  private let offers: [ModelOffer]
  private let moderation: ModerationOffer?
  private let logger: Logger

  public init(
    _ configuration: ServiceConfiguration, models: [ModelOffer],
    moderation: ModerationOffer? = nil, logger: Logger
  ) {
    self.moderation = moderation
    self.configuration = configuration
    offers = models
    self.logger = logger
  }

  /// Serves until told to stop. It listens before its first model is loaded, and says 503 until then;
  /// the others are loaded when they are first asked for.
  /// - Parameter onReady: called once, when the first model answers.
  public func run(onReady: @escaping @Sendable (Announcement) -> Void) async throws {
    guard !offers.isEmpty else { throw ServingError.noModel }
    try FileManager.default.createDirectory(
      at: configuration.data, withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700])
    let lock = try Self.locked(configuration.data)
    defer { extendLifetime(lock) }
    let keys = try FileKeyStore(folder: configuration.data)
    let firstKey = try await Self.firstKey(keys)
    let pool = configuration.threads.map { ComputePool(threads: $0) } ?? .shared
    let memory = configuration.memory ?? AvailableMemory.byteCount / 4 * 3
    let shelf = ModelShelf(
      offers, ModelShelf.Limits(memory: memory),
      engines: .batching(configuration.engines(memory: memory), pool: pool), logger: logger)
    let store = try Store(folder: configuration.data)
    try await store.endUnfinishedAnswers()
    let moderator = Moderator(configuration.moderation)
    let product = Product(
      store: store, source: ShelfAnswers(models: shelf), signIn: configuration.signIn,
      moderator: moderator, limits: configuration.limits)
    let ownersLink = try await product.ownersLink()
    let parts = ServiceParts(
      configuration: configuration, models: shelf, keys: keys,
      responses: try FileResponseStore(folder: configuration.data), meters: ServiceMeters(),
      moderator: moderator, product: product)
    let loading = Loading(
      shelf: shelf, pool: pool, moderation: moderation, moderator: moderator, logger: logger)
    let (addresses, addressSource) = AsyncStream<Int>.makeStream()
    let listening = Occurrence()
    let application = Application(
      router: parts.router,
      server: .http1(configuration: transport),
      configuration: ApplicationConfiguration(
        address: .hostname(configuration.host, port: configuration.port),
        availableConnectionsDelegate: MaximumAvailableConnections(
          configuration.limits.connections)),
      onServerRunning: {
        listening.happen()
        addressSource.yield($0.localAddress?.port ?? 0)
      },
      logger: logger)
    let ready = Readiness(host: configuration.host, addresses: addresses, loading: loading) { url in
      onReady(
        Announcement(
          url: url, models: offers.map(\.name), key: firstKey, link: url + ownersLink))
    }
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          .init(service: application, failureTerminationBehavior: .gracefullyShutdownGroup),
          .init(
            service: ready, successTerminationBehavior: .ignore,
            failureTerminationBehavior: .gracefullyShutdownGroup),
          .init(
            service: Draining(
              drain: parts.drain, models: shelf, product: product,
              limit: configuration.limits.drain, logger: logger)),
        ],
        gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
    do { try await group.run() } catch {
      throw listening.hasHappened ? error : unheard(error) ?? error
    }
  }

  private static func locked(_ data: URL) throws -> FolderLock {
    do { return try FolderLock(data) } catch let error as FolderInUse {
      throw ServingError.dataInUse(data, process: error.process)
    }
  }

  /// What an error from before it listened says of the address; nil: nothing.
  private func unheard(_ error: any Error) -> ServingError? {
    let reason: String
    switch error {
    case let error as IOError: reason = String(cString: strerror(error.errnoCode))
    case is SocketAddressError: reason = "no such address"
    default: return nil
    }
    return .cannotListen(host: configuration.host, port: configuration.port, reason: reason)
  }

  private static func firstKey(_ keys: some KeyStore) async throws -> String? {
    guard try await keys.keys().isEmpty else { return nil }
    return try await keys.make(name: "first", user: "owner", scopes: Set(Scope.allCases)).secret
  }

  private var transport: HTTP1Channel.Configuration {
    HTTP1Channel.Configuration(
      additionalChannelHandlers: [
        ClientGoneHandler(), HeaderDeadline(within: TimeAmount(configuration.limits.reading)),
      ],
      idleTimeout: TimeAmount(configuration.limits.idle),
      httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
        maxHeaderFieldSize: configuration.limits.header,
        maxHeaderListSize: configuration.limits.header, maxHeaderFieldCount: 128))
  }
}

/// Loads what there is to be at the start, beside the threads that answer.
struct Loading: Sendable {
  let shelf: ModelShelf
  /// What the classifier computes on.
  let pool: ComputePool
  let moderation: ModerationOffer?
  let moderator: Moderator
  let logger: Logger

  func run() async throws {
    try await shelf.start()
    try await loadModeration()
    shelf.finishLoading()
    // So that nobody waits for it when the list is first asked for.
    Task { await shelf.cards() }
  }

  private func loadModeration() async throws {
    guard let moderation else {
      moderator.settle(nil)
      return logger.warning(
        "nothing is moderated: the model that the head was trained on is not in the cache")
    }
    let generator: TextGenerator
    if let shared = try await shelf.shared(at: moderation.source) {
      generator = shared
    } else {
      generator = try await Task.detached { try moderation.load() }.value
    }
    moderator.settle(try TextClassifier(moderation.head, generator, pool: pool))
  }
}

/// Tells once that the service listens and its models are loaded.
struct Readiness: Service {
  let host: String
  let addresses: AsyncStream<Int>
  let loading: Loading
  let onReady: @Sendable (String) -> Void

  func run() async throws {
    try await loading.run()
    // Where it cannot listen there is no address, and the group is being shut down.
    await cancelWhenGracefulShutdown {
      for await port in addresses.prefix(1) {
        onReady("http://\(host.contains(":") ? "[\(host)]" : host):\(port)")
      }
    }
    try await gracefulShutdown()
  }
}
