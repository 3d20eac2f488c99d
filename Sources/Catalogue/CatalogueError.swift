public import Foundation

/// What can go wrong on the way of a model to this machine.
public enum CatalogueError: Error, Sendable, CustomStringConvertible, LocalizedError {
  case unknownModel(String, known: [String])
  case notFetched(String)
  case badLocation(String, reason: String)
  case download(String, reason: String)
  case wrongHash(String, expected: String, found: String)
  case allSourcesFailed(String, reasons: [String])
  case notAModel(String, reason: String)
  case nameTaken(String, by: String, wanted: String, place: String)

  public var description: String {
    switch self {
    case .unknownModel(let name, let known):
      "'\(name)' is no model of the catalogue (\(known.joined(separator: ", "))), no file and no address; 'primer models' lists what there is"
    case .notFetched(let name): "'\(name)' is not on this machine yet; run: primer pull \(name)"
    case .badLocation(let location, let reason): "\(location): \(reason)"
    case .download(let location, let reason):
      "\(location): \(reason); what has arrived is kept: run the command again to go on"
    case .wrongHash(let location, let expected, let found):
      "\(location): SHA-256 is \(found), should be \(expected); what arrived was thrown away: try again, or another source"
    case .allSourcesFailed(let name, let reasons):
      "\(name): no source could give it:\n" + reasons.map { "  - \($0)" }.joined(separator: "\n")
    case .notAModel(let location, let reason):
      "\(location): what arrived is no model and was thrown away: \(reason)"
    case .nameTaken(let name, let owner, let wanted, let place):
      "the model '\(name)' in the cache is \(owner), not \(wanted), and stays as it is; for the other one remove \(place) first, or set PRIMER_CACHE to another folder"
    }
  }

  public var errorDescription: String? { description }

  /// The process's exit code of sysexits: 65 bad data, 66 input missing, 73 cannot create, 74 input
  /// or output.
  public var exitCode: Int32 {
    switch self {
    case .unknownModel, .notFetched, .badLocation: 66
    case .wrongHash, .notAModel: 65
    case .nameTaken: 73
    case .download, .allSourcesFailed: 74
    }
  }
}
