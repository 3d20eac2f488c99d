import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// Counts wrong passwords, so that guessing is slow for one name. Of too many names the one that is soonest
/// free is forgotten: they neither fill the memory nor keep others out.
actor SignInAttempts {
  private var failures: [String: (count: Int, until: Double)] = [:]
  static let most = 10
  static let mostNames = 10_000
  static let window: Double = 300

  /// Names that are minded.
  var count: Int { failures.count }

  func mayTry(_ name: String) -> Bool {
    let now = secondsSince1970()
    failures = failures.filter { $0.value.until > now }
    return failures[name.lowercased(), default: (0, 0)].count < Self.most
  }

  func failed(_ name: String) {
    let key = name.lowercased()
    if failures[key] == nil, failures.count >= Self.mostNames,
      let soonest = failures.min(by: { $0.value.until < $1.value.until })
    {
      failures[soonest.key] = nil
    }
    failures[key] = (failures[key, default: (0, 0)].count + 1, secondsSince1970() + Self.window)
  }

  func succeeded(_ name: String) { failures[name.lowercased()] = nil }
}

extension Product {
  private struct Credentials: Decodable {
    var name: String
    var password: String
  }

  /// Open to all: a link or a password becomes a session. The session's secret is always new.
  func addSignIn(to router: Router<some RequestContext>) {
    router.get("sign-in") { request, _ in
      guard let token = request.uri.queryParameters["token"],
        let user = try await store.redeemLink(String(token))
      else { return Response(status: .seeOther, headers: [.location: "/?link=used"]) }
      return try await signedIn(user, request, Response(status: .seeOther), to: "/")
    }
    router.post("api/sign-in") { request, _ in
      do {
        try Self.requireOwnOrigin(of: request)
        let given = try await body(Credentials.self, of: request, limit: 1 << 14)
        guard await attempts.mayTry(given.name) else {
          throw Refusal(.tooManyRequests, "too many wrong passwords", wait: SignInAttempts.window)
        }
        guard let user = try await store.user(named: given.name, password: given.password) else {
          await attempts.failed(given.name)
          throw Refusal(.unauthorized, "the name or the password is wrong")
        }
        await attempts.succeeded(given.name)
        return try await signedIn(user.id, request, .nothing, to: nil)
      } catch let refusal as Refusal {
        return refusal.response
      }
    }
  }

  /// `response` with the cookie of a new session, which replaces the one brought along.
  func signedIn(
    _ user: User.ID, _ request: Request, _ response: Response, to address: String?
  ) async throws -> Response {
    if let old = SessionCookie.token(of: request) { try await store.endSession(old) }
    let token = try await store.beginSession(for: user)
    var response = response
    response.headers[.setCookie] = SessionCookie.field(
      token, seconds: Int(Store.sessionSeconds), secure: secure, request)
    response.headers[.location] = address
    response.headers[.cacheControl] = "no-store"
    return response
  }

  private struct Me: Encodable {
    var user: User
    var csrf: String
    var models: [AnswerModel]
    /// How answers are drawn where nothing is chosen.
    var standard: SamplingChoice
  }

  private struct AccountChange: Decodable {
    var consent: Bool?
    var password: String?
  }

  /// One's own account.
  func addAccount(_ routes: ProductRoutes<some RequestContext>) {
    routes.on(.get, "api/me") { _, _, caller in
      var standard = source.completed(SamplingChoice())
      standard.seed = nil
      return .json(
        Me(
          user: caller.user, csrf: caller.session.csrf, models: await source.models(),
          standard: standard))
    }
    routes.on(.patch, "api/me") { request, _, caller in
      let change = try await body(AccountChange.self, of: request)
      if let consent = change.consent { try await store.setConsent(consent, of: caller.user.id) }
      if let password = change.password {
        try await store.setPassword(password, of: caller.user.id)
      }
      return .nothing
    }
    routes.on(.post, "api/sign-out") { request, _, caller in
      try await store.endSession(caller.token)
      var response = Response.nothing
      response.headers[.setCookie] = SessionCookie.field("", seconds: 0, secure: secure, request)
      return response
    }
  }

  private struct NewUser: Decodable {
    var name: String
    var password: String
    var role: User.Role
  }

  private struct Overview: Encodable {
    var load: AnswerLoad
    var writing: Int
    var days: [AdministeredStore.Day]
    var people: [AdministeredStore.Person]
    /// Of all time.
    var busySeconds: Double
    /// Those that people may choose.
    var served: [AnswerModel]
    /// By which answers were made, served or not.
    var models: [AdministeredStore.ModelUse]
    var feedback: [String: Int]
    var flags: [AdministeredStore.Flag]
  }

  /// What is asked for every few seconds.
  private struct Now: Encodable {
    var load: AnswerLoad
    var writing: Int
  }

  private struct Access: Decodable { var disabled: Bool }

  private struct Settlement: Decodable { var upheld: Bool }

  func addAdministration(_ routes: ProductRoutes<some RequestContext>) {
    routes.onAdministered(.get, "api/admin") { _, _, _, administered in
      .json(
        Overview(
          load: await source.load(), writing: await live.count(),
          days: try await administered.days(), people: try await administered.people(),
          busySeconds: try await administered.busySeconds(), served: await source.models(),
          models: try await administered.models(),
          feedback: try await administered.feedbackCounts(), flags: try await administered.flags()))
    }
    routes.onAdministered(.get, "api/admin/load") { _, _, _, _ in
      .json(Now(load: await source.load(), writing: await live.count()))
    }
    routes.onAdministered(.post, "api/admin/users") { request, _, _, _ in
      let new = try await body(NewUser.self, of: request)
      let user = try await store.createUser(
        name: new.name, role: new.role, password: new.password)
      return .json(user, .created)
    }
    routes.onAdministered(.delete, "api/admin/users/{id}") { _, context, caller, _ in
      let id = try context.parameters.require("id")
      guard id != caller.user.id else {
        throw Refusal(.unprocessableContent, "nobody deletes the account they are signed in with")
      }
      try await store.deleteUser(id)
      return .nothing
    }
    routes.onAdministered(.patch, "api/admin/users/{id}") { request, context, caller, _ in
      let id = try context.parameters.require("id")
      guard id != caller.user.id else {
        throw Refusal(.unprocessableContent, "nobody disables the account they are signed in with")
      }
      let access = try await body(Access.self, of: request)
      try await store.setDisabled(access.disabled, of: id)
      return .nothing
    }
    routes.onAdministered(.post, "api/admin/flags/{id}") { request, context, _, administered in
      let settlement = try await body(Settlement.self, of: request)
      try await administered.settleFlag(
        context.parameters.require("id"), upheld: settlement.upheld)
      return .nothing
    }
  }
}
