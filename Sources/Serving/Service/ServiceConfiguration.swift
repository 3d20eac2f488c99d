public import Foundation
import PrimerGeneration
public import PrimerTensors

/// Where the service listens, where it keeps its data, and what it refuses.
public struct ServiceConfiguration: Sendable {
  /// Default 127.0.0.1: nobody but this machine.
  public var host = "127.0.0.1"
  /// 0 lets the system choose. Default 8080.
  public var port = 8080
  /// Keys and conversations.
  public var data: URL
  /// Host names that a browser may call the service by, beside its own address and loopback.
  public var hostNames: Set<String> = []
  /// Threads to compute with; nil: all physical cores. Default nil.
  public var threads: Int?
  /// Bytes that loaded models may take in all, weights and caches; the cache of one takes a sixth at
  /// most. Default nil: three quarters of the memory that is available at the start.
  public var memory: Int?
  /// How caches store keys and values. Default f16.
  public var cacheElement = CacheElement.float16
  public var limits = ServiceLimits()
  public var moderation = ModerationPolicy()
  /// Providers that may vouch for users. Default: what `sign-in.json` in the data folder says.
  package var signIn = SignInSettings()

  public init(data: URL) { self.data = data }

  /// How the engines of models work that may take `memory` bytes in all.
  func engines(memory: Int) -> EngineConfiguration {
    var engines = EngineConfiguration()
    engines.cacheBytes = memory / 6
    engines.cacheElement = cacheElement
    return engines
  }
}

/// What one request, and one user, may take.
public struct ServiceLimits: Sendable, Equatable {
  /// Bytes of a body. Default 2 MiB.
  public var body = 2 << 20
  /// Bytes of all header fields together. Default 16 KiB.
  public var header = 16 << 10
  /// Values of JSON within each other. Default 64.
  public var depth = 64
  /// Time for a request's header and body to arrive. Default 30 s.
  public var reading = Duration.seconds(30)
  /// Time without a byte in either direction before a connection is closed. Default 10 minutes.
  public var idle = Duration.seconds(600)
  /// Requests of one user under way at once. Default 64.
  public var concurrency = 64
  /// Connections open at once. Default 1024.
  public var connections = 1024
  /// Time for running answers to finish after SIGTERM. Default 60 s.
  public var drain = Duration.seconds(60)

  public init() {}
}
