import Foundation

/// A value as the JSON text that a column holds.
func encoded(_ value: some Encodable) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys]
  return String(decoding: try! encoder.encode(value), as: UTF8.self)
}

/// Nil when the text is none of that type.
func decoded<Value: Decodable>(_ text: String) -> Value? {
  try? JSONDecoder().decode(Value.self, from: Data(text.utf8))
}

func secondsSince1970() -> Double { Date().timeIntervalSince1970 }
