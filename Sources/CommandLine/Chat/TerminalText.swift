import Foundation

/// What a model writes, as a terminal may be given it.
enum TerminalText {
  /// Without control characters, which could move the cursor, rename the window or answer for the user;
  /// line ends and tabs stay.
  static func printable(_ text: String) -> String {
    func isControl(_ scalar: Unicode.Scalar) -> Bool {
      scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
    }
    guard text.unicodeScalars.contains(where: isControl) else { return text }
    var kept = String.UnicodeScalarView()
    kept.append(contentsOf: text.unicodeScalars.lazy.filter { !isControl($0) })
    return String(kept)
  }
}
