import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import PrimerServing

@Suite struct AccountsTests {
  @Test("a password is kept as scrypt, fits itself, and nothing else fits")
  func passwords() async throws {
    let harness = try await ProductHarness()
    _ = try await harness.store.createUser(
      name: "ann", role: .user, password: "correct horse battery")
    #expect(try await harness.store.user(named: "ANN", password: "correct horse battery") != nil)
    #expect(try await harness.store.user(named: "ann", password: "correct horse") == nil)
    #expect(try await harness.store.user(named: "bob", password: "correct horse battery") == nil)
    let kept = try await PasswordHash.shared.make("correct horse battery")!
    #expect(kept.hasPrefix("scrypt$32768$8$3$") && !kept.contains("horse"))
  }

  @Test("scrypt gives the bytes of RFC 7914")
  func scryptVector() async throws {
    let salt = Data("SodiumChloride".utf8).base64EncodedString()
    let key =
      "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    let bytes = stride(from: 0, to: key.count, by: 2).map { at in
      let start = key.index(key.startIndex, offsetBy: at)
      return UInt8(key[start..<key.index(start, offsetBy: 2)], radix: 16)!
    }
    let stored = "scrypt$16384$8$1$\(salt)$\(Data(bytes).base64EncodedString())"
    #expect(try await PasswordHash.shared.matches("pleaseletmein", stored))
  }

  @Test("a password needs eight bytes, and a name can be taken once")
  func bounds() async throws {
    let harness = try await ProductHarness()
    await #expect(throws: StoreError.self) {
      try await harness.store.createUser(name: "ann", role: .user, password: "short")
    }
    _ = try await harness.store.createUser(name: "ann", role: .user, password: nil)
    await #expect(throws: StoreError.taken("Ann")) {
      try await harness.store.createUser(name: "Ann", role: .user, password: nil)
    }
  }

  @Test("the owner's link signs in once, by a cookie that scripts and other sites cannot use")
  func link() async throws {
    let harness = try await ProductHarness()
    let link = try await harness.product.ownersLink()
    let first = try await harness.send(.get, link)
    #expect(first.status == 303 && first.headers[.location] == "/")
    let cookie = first.headers[.setCookie]!
    #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"))
    let token = String(cookie.split(separator: ";")[0])
    let me = try await harness.send(.get, "/api/me", headers: [.cookie: token])
    #expect((me["user"] as? [String: Any])?["role"] as? String == "admin")
    let second = try await harness.send(.get, link)
    #expect(second.headers[.setCookie] == nil && second.headers[.location] == "/?link=used")
  }

  @Test("behind TLS, by the address of the settings, the session's cookie is for TLS only")
  func secureCookie() async throws {
    for (address, isSecure) in [("https://chat.test", true), ("http://localhost", false)] {
      let harness = try await ProductHarness(signIn: SignInSettings(address: address))
      let answer = try await harness.send(.get, try await harness.product.ownersLink())
      let cookie = try #require(answer.headers[.setCookie])
      #expect(cookie.contains("; Secure") == isSecure)
    }
  }

  @Test("session fixation: a sign-in gives a new secret, and ends the session brought along")
  func fixation() async throws {
    let harness = try await ProductHarness()
    let attacker = try await harness.signIn("mallory")
    let link = try await harness.product.ownersLink()
    let answer = try await harness.send(.get, link, headers: [.cookie: attacker.cookie])
    let cookie = answer.headers[.setCookie]!
    #expect(!cookie.contains(attacker.token))
    #expect(try await attacker.send(.get, "/api/me").status == 401)
    let made = "primer-session-8080=" + String(repeating: "a", count: 64)
    #expect(try await harness.send(.get, "/api/me", headers: [.cookie: made]).status == 401)
  }

  @Test("CSRF: a change without the session's own token, or from another site, is refused")
  func forgery() async throws {
    let harness = try await ProductHarness()
    let (ann, bob) = (try await harness.signIn("ann"), try await harness.signIn("bob"))
    func create(_ more: HTTPFields) async throws -> Int {
      var headers = more
      headers[.cookie] = ann.cookie
      return try await harness.send(.post, "/api/conversations", "{}", headers: headers).status
    }
    #expect(try await create([:]) == 403)
    #expect(try await create([.csrfToken: bob.csrf]) == 403)
    #expect(try await create([.csrfToken: ann.csrf, .origin: "http://evil.test"]) == 403)
    #expect(try await create([.csrfToken: ann.csrf, .fetchSite: "cross-site"]) == 403)
    #expect(try await create([.csrfToken: ann.csrf, .origin: "http://127.0.0.1:8080"]) == 201)
  }

  @Test("login CSRF: another site's page cannot sign a browser in")
  func loginForgery() async throws {
    let harness = try await ProductHarness()
    _ = try await harness.store.createUser(name: "eve", role: .user, password: "password1")
    let body = "{\"name\": \"eve\", \"password\": \"password1\"}"
    let forged = try await harness.send(
      .post, "/api/sign-in", body, headers: [.origin: "http://evil.test"])
    #expect(forged.status == 403 && forged.headers[.setCookie] == nil)
    let own = try await harness.send(.post, "/api/sign-in", body)
    #expect(own.status == 204 && own.headers[.setCookie] != nil)
  }

  @Test("guessing passwords stops after ten for a name")
  func guessing() async throws {
    let attempts = SignInAttempts()
    for _ in 0..<SignInAttempts.most {
      #expect(await attempts.mayTry("ann"))
      await attempts.failed("Ann")
    }
    #expect(await attempts.mayTry("ann") == false)
    #expect(await attempts.mayTry("bob"))
  }

  @Test("made-up names neither fill the memory nor keep others out")
  func madeUpNames() async throws {
    let attempts = SignInAttempts()
    for number in 0...SignInAttempts.mostNames { await attempts.failed("name \(number)") }
    #expect(await attempts.count == SignInAttempts.mostNames)
    #expect(await attempts.mayTry("ann"))
  }

  @Test("key scopes: no API key opens the product, whatever its scopes and its header")
  func keyScopes() async throws {
    let harness = try await ProductHarness()
    let key = try await harness.makeKey(scopes: Set(Scope.allCases))
    for headers: HTTPFields in [
      [.authorization: "Bearer \(key)"], [HTTPField.Name("x-api-key")!: key],
      [.cookie: "primer-session-8080=\(key)"],
    ] {
      for path in ["/api/me", "/api/conversations", "/api/admin", "/api/export"] {
        #expect(try await harness.send(.get, path, headers: headers).status == 401)
      }
    }
  }

  @Test("key scopes: a session opens nothing of the API, so that no other site's page can use it")
  func sessionScopes() async throws {
    let harness = try await ProductHarness()
    let ann = try await harness.signIn("ann", role: .admin)
    #expect(try await ann.send(.get, "/v1/models").status == 403)
    #expect(try await ann.send(.get, "/metrics").status == 403)
  }

  @Test("to a user, the administration does not exist")
  func administration() async throws {
    let harness = try await ProductHarness()
    let (ann, eve) = (
      try await harness.signIn("ann", role: .admin), try await harness.signIn("eve")
    )
    #expect(try await ann.send(.get, "/api/admin").status == 200)
    #expect(try await eve.send(.get, "/api/admin").status == 404)
    #expect(try await eve.send(.delete, "/api/admin/users/\(ann.user.id)").status == 404)
  }

  @Test("without a session, nothing under /api answers but the sign-in")
  func deniedByDefault() async throws {
    let harness = try await ProductHarness()
    for path in [
      "/api/me", "/api/conversations", "/api/conversations/x", "/api/streams/x", "/api/export",
      "/api/admin", "/api/nothing-of-that-name",
    ] {
      #expect(try await harness.send(.get, path).status == 401, "\(path)")
    }
  }
}
