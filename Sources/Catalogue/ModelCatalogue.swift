internal import CCatalogue
internal import Foundation

/// The models that Primer knows by name, where they come from, and what they must hash to.
public struct ModelCatalogue: Sendable, Codable {
  public let models: [CatalogueModel]

  /// The catalogue in the binary.
  public static let builtIn: ModelCatalogue = {
    let bytes = Data(bytes: primer_catalogue(), count: primer_catalogue_length())
    // The file is part of the program, and a test reads it.
    return try! JSONDecoder().decode(ModelCatalogue.self, from: bytes)
  }()

  public subscript(name: String) -> CatalogueModel? { models.first { $0.name == name } }
}

/// One model of the catalogue: a single file.
public struct CatalogueModel: Sendable, Codable {
  public let name: String
  public let summary: String
  /// SPDX identifier, or the name of the terms.
  public let license: String
  public let licenseURL: String?
  public let parameters: Int
  /// Tokens.
  public let context: Int
  /// The file's name.
  public let file: String
  public let bytes: Int
  /// Of the file.
  public let sha256: String
  /// Tried in order.
  public let sources: [ModelSource]
}

/// A place that has a model: a URL, or packages of Python's index that carry its parts.
public struct ModelSource: Sendable, Codable {
  public let url: String?
  /// Of what the URL gives.
  public let sha256: String?
  public let packages: [PackagePart]?
}

/// A package of which one file is a part of the model, in order.
public struct PackagePart: Sendable, Codable {
  /// "name==version"
  public let requirement: String
  /// Path in the package.
  public let part: String
  /// Of the package's wheel.
  public let sha256: String
}
