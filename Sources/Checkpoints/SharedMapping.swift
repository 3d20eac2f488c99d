internal import PrimerFiles
internal import PrimerTensors

/// Keeps a mapped file alive as long as any tensor or array looks at it.
final class SharedMapping: PageKeeper, Sendable {
  let file: MappedFile
  init(file: consuming MappedFile) { self.file = file }

  func forget(_ base: UnsafeMutableRawPointer, _ byteCount: Int) {
    let start = file.withBytes { UnsafeRawPointer(base) - $0.baseAddress! }
    file.forget(start..<start + byteCount)
  }

  /// A view of the elements in `range`: not to be written. Elements that straddle words cannot be
  /// used in place and are copied.
  func tensor(_ range: Range<Int>, _ shape: [Int], _ type: ElementType) -> Tensor {
    file.withBytes { bytes in
      let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress! + range.lowerBound)
      guard Int(bitPattern: base) % type.alignment == 0 else {
        let copy = Tensor(uninitialised: shape, type)
        copy.withMutableBytes { $0.copyMemory(from: .init(start: base, count: range.count)) }
        return copy
      }
      return Tensor(mapped: base, byteCount: range.count, shape: shape, type, from: self)
    }
  }
}

extension ElementType {
  /// What addresses of elements divide by; blocks of quantised types lie anywhere.
  fileprivate var alignment: Int { isQuantised ? 1 : blockBytes }
}
