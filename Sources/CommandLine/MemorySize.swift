import ArgumentParser

/// An amount of memory: "6GB", "512MB" or bytes.
struct MemorySize: ExpressibleByArgument, Equatable {
  let bytes: Int

  init?(argument: String) {
    let digits = argument.prefix { $0.isNumber || $0 == "." }
    let unit = argument.dropFirst(digits.count).trimmingPrefix(" ").uppercased()
    let sizes = ["": 1.0, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12]
    let powers = ["KIB": 10, "MIB": 20, "GIB": 30, "TIB": 40]
    guard let number = Double(digits), number > 0,
      let size = sizes[unit] ?? powers[unit].map({ Double(1 << $0) }), number * size < 1e18
    else { return nil }
    bytes = Int(number * size)
  }
}
