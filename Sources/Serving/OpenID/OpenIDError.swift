/// Why somebody is not signed in by a provider's word. For the log: the browser is told no more than
/// that it failed.
enum OpenIDError: Error, Equatable, CustomStringConvertible {
  /// The provider does not answer as it should.
  case provider(String)
  /// An address that is neither TLS nor loopback.
  case unprotected(String)
  /// The token is not one for this sign-in.
  case token(String)
  /// The browser did not begin this sign-in here, or not lately, or has ended it before.
  case state
  /// The provider says that the user did not agree.
  case declined
  /// The account was disabled.
  case disabled

  var description: String {
    switch self {
    case .provider(let reason): "the provider: \(reason)"
    case .unprotected(let address): "\(address) is neither https nor loopback"
    case .token(let reason): "the token: \(reason)"
    case .state: "this browser did not begin this sign-in, or it is too old, or was used"
    case .declined: "the provider did not agree"
    case .disabled: "the account is disabled"
    }
  }
}
