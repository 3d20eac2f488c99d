import Crypto
import Foundation

/// A sign-in between the page and the provider's answer.
struct PendingSignIn: Sendable {
  let provider: String
  /// The cookie of the browser that began, as SHA-256.
  let browser: String
  let nonce: String
  /// Of PKCE: shown to the provider with the code, so that a stolen code is worth nothing.
  let verifier: String
  let redirect: String
  let until: Double

  var challenge: String { Data(Crypto.SHA256.hash(data: Data(verifier.utf8))).base64URL }
}

/// Sign-ins that have begun: each is ended once, within ten minutes, by the browser that began it.
actor PendingSignIns {
  static let seconds: Double = 600
  static let most = 10_000
  private var byState: [String: PendingSignIn] = [:]
  private let now: @Sendable () -> Double

  init(now: @escaping @Sendable () -> Double = { secondsSince1970() }) { self.now = now }

  func begin(
    provider: String, browser: String, redirect: String
  ) -> (state: String, signIn: PendingSignIn) {
    byState = byState.filter { $0.value.until > now() }
    if byState.count >= Self.most, let oldest = byState.min(by: { $0.value.until < $1.value.until })
    {
      byState[oldest.key] = nil
    }
    let state = randomHexadecimal(bytes: 32)
    let signIn = PendingSignIn(
      provider: provider, browser: Store.hash(browser), nonce: randomHexadecimal(bytes: 32),
      verifier: randomHexadecimal(bytes: 32), redirect: redirect, until: now() + Self.seconds)
    byState[state] = signIn
    return (state, signIn)
  }

  /// The sign-in of `state`, which is used up by this, also when it is not the browser's.
  func end(state: String, provider: String, browser: String) throws -> PendingSignIn {
    guard let signIn = byState.removeValue(forKey: state), signIn.until > now(),
      signIn.provider == provider, signIn.browser == Store.hash(browser)
    else { throw OpenIDError.state }
    return signIn
  }
}
