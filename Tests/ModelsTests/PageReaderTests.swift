#if os(Linux)
  import Foundation
  import PrimerCheckpoints
  import PrimerTensors
  import TestSupport
  import Testing

  @Suite("Pages of mapped tensors")
  struct PageReaderTests {
    /// A mapped tensor of 20 MiB, of which the system keeps in memory what it likes to.
    private static func mapped(in folder: TemporaryFolder) throws -> Tensor {
      let url = folder.url.appending(path: "a.safetensors")
      try SafetensorsFile.write([("a", Tensor(repeating: 1, shape: [5 << 20]))], to: url)
      let file = open(url.path, O_RDONLY | O_CLOEXEC)
      defer { close(file) }
      _ = fsync(file)
      _ = posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
      return try SafetensorsFile(url).tensor("a")!
    }

    /// The share of a tensor's pages that are in memory, 0 to 1.
    private static func residentShare(of tensor: Tensor) -> Double {
      tensor.withBytes { bytes in
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress!)
        let first = base - Int(bitPattern: base) % page
        let length = base + bytes.count - first
        var pages = [UInt8](repeating: 0, count: (length + page - 1) / page)
        guard mincore(first, length, &pages) == 0 else { return 1 }
        return Double(pages.count { $0 & 1 != 0 }) / Double(pages.count)
      }
    }

    /// Not where files live in memory alone, and not where the system keeps its own counsel.
    static let canBeTold: Bool = {
      guard let folder = try? TemporaryFolder(), let tensor = try? mapped(in: folder) else {
        return false
      }
      return residentShare(of: tensor) < 0.5
    }()

    @Test(
      "are in memory after they were read ahead, and were not before", .enabled(if: canBeTold))
    func readAhead() async throws {
      let folder = try TemporaryFolder()
      let tensor = try Self.mapped(in: folder)
      #expect(Self.residentShare(of: tensor) < 0.5)
      let end = ContinuousClock.now + .seconds(60)
      while Self.residentShare(of: tensor) < 1, ContinuousClock.now < end {
        // Anew each time: what another test reads ends what was begun.
        PageReader.shared.read([tensor])
        try await Task.sleep(for: .milliseconds(50))
      }
      #expect(Self.residentShare(of: tensor) == 1)
    }
  }
#endif
