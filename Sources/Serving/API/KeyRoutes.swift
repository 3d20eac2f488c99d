import Foundation
import Hummingbird
import PrimerTokenizers

/// Making, listing and revoking keys: for whoever has the scope "admin".
struct KeyRoutes: Sendable {
  let store: any KeyStore

  private static let scopes = Scope.allCases.map(\.rawValue)

  private static let body = Shape.named(
    "KeyRequest",
    .object([
      Field("name", .string(longest: 128), required: true, "What the key is for."),
      Field("user", .string(longest: 128), "The user that it acts for. Default: the caller."),
      Field("scopes", .list(.choice(scopes), count: 1...scopes.count), default: "[\"inference\"]"),
      Field("concurrency", .integer(1...4096), "Requests under way at once."),
      Field("requests_per_minute", .integer(1...1_000_000)),
    ]))

  private static let members: [Field] = [
    Field("id", .string(), required: true), Field("object", .choice(["key"]), required: true),
    Field("name", .string(), required: true), Field("user", .string(), required: true),
    Field("scopes", .list(.choice(scopes)), required: true),
    Field("created", .integer(), required: true, "Seconds since 1970."),
    Field(
      "revoked", .nullable(.integer()), required: true,
      "Seconds since 1970; null while the key is valid."),
    Field("concurrency", .nullable(.integer()), required: true),
    Field("requests_per_minute", .nullable(.integer()), required: true),
  ]
  private static let key = Shape.named("Key", .object(members))
  private static let newKey = Shape.named(
    "NewKey",
    .object(members + [Field("key", .string(), required: true, "The secret, told this once.")]))

  var routes: [Route] {
    [
      Route(
        .post, "/v1/keys", "Makes a key; its secret is told this once.",
        access: .scope(.administration),
        body: Self.body, answer: Self.newKey, make),
      Route(
        .get, "/v1/keys", "The keys, without their secrets.", access: .scope(.administration),
        answer: .object([
          Field("object", .choice(["list"]), required: true),
          Field("data", .list(Self.key), required: true),
        ])
      ) { _ in
        let keys = try await store.keys().map { JSONValue.object(Self.members($0)) }
        return Response(json: .object([("object", .string("list")), ("data", .array(keys))]))
      },
      Route(
        .delete, "/v1/keys/{key}", "Revokes a key, at once.", access: .scope(.administration),
        answer: Self.key
      ) { call in
        let now = Int(Date().timeIntervalSince1970)
        guard let key = try await store.revoke(id: try call.parameter("key"), at: now) else {
          throw APIError.notFound("There is no such key.", code: "key_not_found")
        }
        return Response(json: .object(Self.members(key)))
      },
    ]
  }

  private func make(_ call: Call) async throws -> Response {
    let body = call.body
    let scopes = body["scopes"]?.array?.compactMap { $0.string.flatMap(Scope.init) } ?? [.inference]
    let made = try await store.make(
      name: body["name"]?.string ?? "", user: body["user"]?.string ?? call.caller.user,
      scopes: Set(scopes), concurrency: body["concurrency"]?.integer,
      requestsPerMinute: body["requests_per_minute"]?.integer)
    return Response(json: .object(Self.members(made.key) + [("key", .string(made.secret))]))
  }

  private static func members(_ key: APIKey) -> [(key: String, value: JSONValue)] {
    [
      ("id", .string(key.id)), ("object", .string("key")), ("name", .string(key.name)),
      ("user", .string(key.user)),
      ("scopes", .array(key.scopes.map(\.rawValue).sorted().map { .string($0) })),
      ("created", .integer(key.created)),
      ("revoked", key.revoked.map { .integer($0) } ?? .null),
      ("concurrency", key.concurrency.map { .integer($0) } ?? .null),
      ("requests_per_minute", key.requestsPerMinute.map { .integer($0) } ?? .null),
    ]
  }
}
