import HTTPTypes
import Hummingbird
import NIOCore
import PrimerTokenizers

/// What the service consists of, and the router over it.
struct ServiceParts: Sendable {
  let configuration: ServiceConfiguration
  let models: ModelShelf
  let keys: any KeyStore
  let responses: any ResponseStore
  let meters: ServiceMeters
  /// nil: nothing is looked at.
  var moderator: Moderator?
  let drain = Drain()
  let runs = ResponseRuns()
  /// Who calls, beside holders of keys: sessions of the page.
  var callers: [any CallerSource] = []
  /// Addresses beside those of the API.
  var moreRoutes: [Route] = []
  /// Prefixes of paths that are open to anybody.
  var openPrefixes: [String] = []
  /// The page, and what is behind it.
  var product: Product?

  var routes: [Route] {
    let api =
      [
        health, metrics, ChatCompletions(models: models, meters: meters).route,
        Completions(models: models, meters: meters).route, Embeddings(models: models).route,
        Moderations(moderator: moderator).route,
      ]
      + Responses(models: models, meters: meters, store: responses, runs: runs).routes
      + ModelRoutes(models: models).routes
      + Tokenization(models: models).routes
      + KeyRoutes(store: keys).routes
      + moreRoutes
    let document = OpenAPIDocument.describe(api + [describing { .null }])
    return api + [describing { document }]
  }

  var router: Router<ServiceContext> {
    let router = Router(context: ServiceContext.self)
    let routes = routes
    let open =
      routes.filter { $0.access == .open }.map { "\($0.method.rawValue) \($0.path)" }
      + (product?.open ?? [])
    let sessions: [any CallerSource] = product.map { [SessionHolders(product: $0)] } ?? []
    router.add(middleware: RequestLog(meters: meters))
    router.add(middleware: ErrorAnswers())
    router.add(middleware: DrainCheck(drain: drain))
    router.add(middleware: HostCheck(names: configuration.ownNames))
    router.add(
      middleware: Authentication(
        open: Set(open), openPrefixes: openPrefixes,
        sources: [KeyHolders(store: keys)] + sessions + callers))
    router.add(
      middleware: OccupancyCheck(
        occupancy: Occupancy(concurrency: configuration.limits.concurrency)))
    router.add(middleware: MethodCheck(routes: routes))
    for route in routes { route.add(to: router, limits: configuration.limits) }
    product?.addRoutes(to: router)
    return router
  }

  private var health: Route {
    let answer = Shape.named(
      "Health", .object([Field("status", .choice(["ok", "loading"]), required: true)]))
    return Route(
      .get, "/health", "Whether the service answers: 503 while it loads.", access: .open,
      answer: answer, unavailable: answer
    ) { _ in
      models.isReady
        ? Response(json: .object([("status", .string("ok"))]))
        : Response(json: .object([("status", .string("loading"))]), status: .serviceUnavailable)
    }
  }

  private var metrics: Route {
    Route(
      .get, "/metrics", "What the service counts, for Prometheus.", access: .scope(.metrics),
      otherContent: ["text/plain"]
    ) { _ in
      let text = meters.text(models)
      return Response(
        status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
  }

  private func describing(_ document: @escaping @Sendable () -> JSONValue) -> Route {
    Route(
      .get, "/openapi.json", "This description.", access: .scope(.inference),
      answer: .object([
        Field("openapi", .string(), required: true), Field("info", .any, required: true),
        Field("servers", .any, required: true), Field("paths", .any, required: true),
        Field("components", .any, required: true), Field("security", .any, required: true),
      ])
    ) { _ in Response(json: document()) }
  }
}

extension ServiceConfiguration {
  /// The names that requests may call the service by.
  var ownNames: Set<String> {
    hostNames.union(["localhost", host.lowercased()])
  }
}
