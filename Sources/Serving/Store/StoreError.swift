/// What can go wrong with what the service keeps.
package enum StoreError: Error, Equatable, CustomStringConvertible {
  /// Nothing of that id belongs to the user who asks: absent, or somebody else's.
  case notFound(String)
  case taken(String)
  case invalid(String)
  /// Nothing has served from that folder.
  case missing(path: String)
  case unusable(path: String, reason: String)

  package var description: String {
    switch self {
    case .notFound(let what): "there is no such \(what)"
    case .taken(let name): "the name \"\(name)\" is taken; choose another"
    case .invalid(let why): why
    case .missing(let path):
      "\(path) holds no \(Store.fileName); give the --data folder of a service that has run"
    case .unusable(let path, let reason):
      "\(path) cannot be used as a store: \(reason); check that the folder exists and is writable"
    }
  }
}
