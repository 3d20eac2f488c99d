import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import PrimerServing

@Suite struct OpenIDTests {
  @Test("a provider's word signs in: a new account, then the same one, with role user")
  func signsIn() async throws {
    let harness = try await OpenIDHarness()
    let first = try #require(try await harness.end(try await harness.begin()))
    let ann = try #require(try await harness.me(first))
    #expect(ann["name"] as? String == "ann" && ann["role"] as? String == "user")
    let second = try #require(try await harness.end(try await harness.begin()))
    #expect(try await harness.me(second)?["id"] as? String == ann["id"] as? String)
    #expect(first != second)
  }

  @Test("the browser is sent with PKCE, state and nonce; the code is exchanged with the secret")
  func exchange() async throws {
    let harness = try await OpenIDHarness()
    let begun = try await harness.begin()
    #expect(begun.query["response_type"] == "code")
    #expect(begun.query["scope"] == "openid profile email")
    #expect(begun.query["redirect_uri"] == "https://chat.test/sign-in/test/answer")
    #expect(begun.query["code_challenge_method"] == "S256")
    #expect(begun.query["state"]!.count == 64 && begun.query["nonce"]!.count == 64)
    _ = try await harness.end(begun)
    let asked = harness.provider.asked.first { $0.form != nil }!
    #expect(asked.authorization == "Basic " + Data("primer:a%3Asecret".utf8).base64EncodedString())
    let verifier = asked.form!.split(separator: "&").first { $0.hasPrefix("code_verifier=") }!
    let signIn = PendingSignIn(
      provider: "", browser: "", nonce: "", verifier: String(verifier.dropFirst(14)), redirect: "",
      until: 0)
    #expect(signIn.challenge == begun.query["code_challenge"])
  }

  @Test("RFC 7636's example of a challenge comes out")
  func challenge() {
    let signIn = PendingSignIn(
      provider: "", browser: "", nonce: "",
      verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", redirect: "", until: 0)
    #expect(signIn.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
  }

  @Test("RS256 signs in as ES256 does")
  func rsa() async throws {
    #expect(
      try await OpenIDHarness().signsIn {
        $0.algorithm = "RS256"
        $0.keyName = "rsa"
      })
  }

  @Test(
    "wrong claims: a token of another nonce, client, issuer or time signs nobody in",
    arguments: [
      ["nonce": "another"], ["nonce": NSNull()], ["aud": "another"], ["aud": ["another"]],
      ["aud": ["primer", "another"]], ["azp": "another"], ["iss": "https://evil.test"],
      ["exp": 1_799_999_900], ["exp": NSNull()], ["iat": 1_800_000_900], ["iat": 1_799_990_000],
      ["iat": NSNull()], ["nbf": 1_800_000_900], ["sub": ""], ["sub": NSNull()],
    ] as [[String: any Sendable]])
  func wrongClaims(_ claims: [String: any Sendable]) async throws {
    #expect(try await OpenIDHarness().signsIn { $0.claims = claims } == false)
  }

  @Test("alg none: an unsigned token signs nobody in", arguments: ["none", "None", ""])
  func unsigned(_ algorithm: String) async throws {
    let signsIn = try await OpenIDHarness().signsIn {
      $0.algorithm = algorithm
      $0.signature = Data()
    }
    #expect(!signsIn)
  }

  @Test("key confusion: a public key is no shared secret, and no key serves another algorithm")
  func confusion() async throws {
    for (algorithm, name) in [("HS256", "rsa"), ("RS256", "elliptic"), ("ES256", "rsa")] {
      let signsIn = try await OpenIDHarness().signsIn {
        $0.algorithm = algorithm
        $0.keyName = name
      }
      #expect(!signsIn, "\(algorithm) under \(name)")
    }
  }

  @Test("a signature over something else signs nobody in")
  func forged() async throws {
    #expect(try await OpenIDHarness().signsIn { $0.signature = Data(count: 64) } == false)
  }

  @Test("key rotation: new keys are read, once a minute at most")
  func rotation() async throws {
    let harness = try await OpenIDHarness()
    #expect(try await harness.signsIn())
    let reads = { harness.provider.asked.count { $0.address.hasSuffix("keys") } }
    #expect(reads() == 1)
    let rotate: (inout ScriptedProvider.Script) -> Void = {
      $0.isRotated = true
      $0.keyName = "rotated"
    }
    #expect(try await harness.signsIn(rotate) == false)
    #expect(reads() == 1)
    #expect(try await harness.signsIn { $0.now += 61 })
    #expect(reads() == 2)
    for _ in 0..<5 { #expect(try await harness.signsIn { $0.keyName = "made up" } == false) }
    #expect(reads() == 2)
  }

  @Test("replayed state: an answer counts once")
  func replay() async throws {
    let harness = try await OpenIDHarness()
    let begun = try await harness.begin()
    #expect(try await harness.end(begun) != nil)
    #expect(try await harness.end(begun) == nil)
  }

  @Test("missing, made-up and old states sign nobody in, and the provider is not asked")
  func states() async throws {
    let harness = try await OpenIDHarness()
    let begun = try await harness.begin()
    let path = "/sign-in/test/answer?code=abc"
    for address in [path, path + "&state=made-up"] {
      #expect(try await harness.end(begun, address: address) == nil)
    }
    harness.provider.answer { $0.now += PendingSignIns.seconds + 1 }
    #expect(try await harness.end(begun) == nil)
    #expect(harness.provider.asked.allSatisfy { $0.form == nil })
  }

  @Test("login CSRF: a code and state of another browser sign nobody in, and are used up")
  func otherBrowser() async throws {
    let harness = try await OpenIDHarness()
    let (attackers, victims) = (try await harness.begin(), try await harness.begin())
    #expect(try await harness.end(attackers, cookie: victims.cookie) == nil)
    #expect(try await harness.end(attackers) == nil)
    #expect(try await harness.end(try await harness.begin(), cookie: "none=none") == nil)
  }

  @Test("mix-up: the answer of one provider is not taken for another's")
  func mixUp() async throws {
    let harness = try await OpenIDHarness()
    let begun = try await harness.begin()
    let path = "/sign-in/other/answer?code=abc&state=\(begun.query["state"]!)"
    #expect(try await harness.end(begun, address: path) == nil)
    let again = try await harness.begin()
    #expect(try await harness.end(again, address: again.address + "&iss=https://evil.test") == nil)
  }

  @Test("a provider that describes another issuer, or sends to addresses without TLS, is not used")
  func discovery() async throws {
    let harness = try await OpenIDHarness()
    harness.provider.answer { $0.issuer = "https://evil.test" }
    #expect(try await harness.begin().query["state"] == nil)
    for address in ["http://id.test/authorize", "http://127.0.0.1/authorize", "javascript:x"] {
      let other = try await OpenIDHarness()
      other.provider.answer { $0.authorizationEndpoint = address }
      #expect(try await other.begin().query["state"] == nil)
    }
  }

  @Test("open redirect: whatever the request says, the browser ends at this service's page")
  func redirect() async throws {
    let harness = try await OpenIDHarness()
    let begun = try await harness.begin()
    let more = "&redirect_uri=https://evil.test&next=//evil.test&return_to=https://evil.test"
    let answer = try await harness.product.send(
      .get, begun.address + more, headers: [.cookie: begun.cookie])
    #expect(answer.status == 303 && answer.headers[.location] == "/")
    let refused = try await harness.product.send(
      .get, "/sign-in/test/answer?error=access_denied&error_description=evil&state=x" + more)
    #expect(refused.headers[.location] == "/?sign-in=refused")
  }

  @Test("an e-mail address links to no account, and makes an administrator only if vouched for")
  func addresses() async throws {
    let harness = try await OpenIDHarness()
    _ = try await harness.product.store.createUser(name: "ann", role: .admin, password: nil)
    let session = try #require(try await harness.end(try await harness.begin()))
    let ann = try #require(try await harness.me(session))
    #expect(ann["name"] as? String == "ann 2" && ann["role"] as? String == "user")
    for (vouched, role) in [(false, "user"), (true, "admin")] {
      let begun = try await harness.begin()
      harness.provider.answer {
        $0.claims = ["sub": "boss", "email": "Boss@id.test", "email_verified": vouched]
      }
      let session = try #require(try await harness.end(begun))
      #expect(try await harness.me(session)?["role"] as? String == role)
    }
  }

  @Test("a disabled account stays out: its session ends, and no sign-in begins another")
  func disabled() async throws {
    let harness = try await OpenIDHarness()
    let session = try #require(try await harness.end(try await harness.begin()))
    let id = try #require(try await harness.me(session)?["id"] as? String)
    let admin = try await harness.product.signIn("root", role: .admin)
    let change = try await admin.send(.patch, "/api/admin/users/\(id)", "{\"disabled\": true}")
    #expect(change.status == 204)
    #expect(try await harness.me(session) == nil)
    #expect(try await harness.signsIn() == false)
    _ = try await admin.send(.patch, "/api/admin/users/\(id)", "{\"disabled\": false}")
    #expect(try await harness.signsIn())
  }

  @Test("settings come from a file, the secret from another file or a variable, never in clear")
  func settings() throws {
    let folder = try TemporaryFolder()
    func read(_ text: String) throws -> SignInSettings {
      try Data(text.utf8).write(to: folder.url.appendingPathComponent(SignInSettings.fileName))
      return try SignInSettings(folder: folder.url, environment: ["SECRET": "from variable"])
    }
    #expect(try SignInSettings(folder: folder.url, environment: [:]).providers.isEmpty)
    try Data("from file\n".utf8).write(to: folder.url.appendingPathComponent("secret"))
    let common = #""issuer": "https://id.test", "client_id": "c""#
    let settings = try read(
      #"{"address": "https://chat.test/", "providers": [{"id": "a", \#(common), "secret_file": "#
        + #""secret"}, {"id": "b", \#(common), "secret_variable": "SECRET"}]}"#)
    #expect(settings.address == "https://chat.test" && settings.isSecure)
    #expect(settings.providers.map(\.secret) == ["from file", "from variable"])
    for wrong in [
      "{", #"{"providers": [{"id": "a", \#(common)}]}"#,
      #"{"providers": [{"id": "../a", \#(common), "secret_variable": "SECRET"}]}"#,
      #"{"providers": [{"id": "a", "issuer": "http://id.test", "client_id": "c", "#
        + #""secret_variable": "SECRET"}]}"#,
      #"{"address": "http://chat.test", "providers": []}"#,
    ] {
      #expect(throws: ServingError.self) { try read(wrong) }
    }
  }
}
