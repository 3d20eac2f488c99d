public import Foundation
internal import PrimerCheckpoints

/// The tokens that end a text by what a model folder says: `eos_token_id`, one or several.
public enum EndTokens {
  private struct Document: Decodable {
    let eos_token_id: Numbers?
  }

  private enum Numbers: Decodable {
    case one(Int32)
    case several([Int32])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let one = try? container.decode(Int32.self) {
        self = .one(one)
      } else {
        self = .several(try container.decode([Int32].self))
      }
    }

    var all: [Int32] {
      switch self {
      case .one(let token): [token]
      case .several(let tokens): tokens
      }
    }
  }

  /// Those of generation_config.json, else of config.json; none where neither names any.
  /// - Throws: `CheckpointError` where a file is longer than any, `GenerationError.badFile` where a file is no JSON object or its tokens are no numbers.
  public static func read(from folder: URL) throws -> Set<Int32> {
    for name in ["generation_config.json", "config.json"] {
      let url = folder.appending(path: name)
      guard FileManager.default.fileExists(atPath: url.path) else { continue }
      let data = try ModelFolder.configuration(at: url)
      let document: Document
      do {
        document = try JSONDecoder().decode(Document.self, from: data)
      } catch DecodingError.dataCorrupted {
        throw GenerationError.badFile(url, reason: "not a JSON object")
      } catch {
        throw GenerationError.badFile(
          url, reason: "\"eos_token_id\" is neither a token's number nor a list of them")
      }
      if let numbers = document.eos_token_id { return Set(numbers.all) }
    }
    return []
  }
}
