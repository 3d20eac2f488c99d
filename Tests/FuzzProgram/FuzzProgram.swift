import Foundation
import FuzzTargets

// What libFuzzer calls; `PRIMER_FUZZ_TARGET` names the reader, `PRIMER_FUZZ_FOLDER` a folder for its
// files. See scripts/fuzz.

private let target: FuzzTarget = {
  let name = ProcessInfo.processInfo.environment["PRIMER_FUZZ_TARGET"] ?? ""
  guard let target = FuzzTarget(rawValue: name) else {
    fatalError("PRIMER_FUZZ_TARGET is '\(name)', not one of \(FuzzTarget.allCases)")
  }
  return target
}()

/// Where readers find their input, best in memory.
private let folder = ProcessInfo.processInfo.environment["PRIMER_FUZZ_FOLDER"].map {
  URL(filePath: $0)
}!

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  do {
    try target.accepts(Array(UnsafeBufferPointer(start: start, count: count)), in: folder)
  } catch {
    fatalError("an error of another kind: \(error)")
  }
  return 0
}
