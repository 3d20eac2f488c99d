import Foundation
import PrimerFiles
import PrimerTraining
import TestSupport
import Testing

@Suite("Run folder")
struct RunFolderTests {
  let folder: TemporaryFolder
  var url: URL { folder.url.appending(path: "run") }

  init() throws { folder = try TemporaryFolder() }

  @Test("two runs on one folder: the second is told which process has it")
  func lock() throws {
    let run = try RunFolder(url, .new)
    #expect(throws: TrainingError.runInUse(url, process: getpid())) { try RunFolder(url, .new) }
    #expect(throws: TrainingError.runInUse(url, process: getpid())) { try RunFolder(url, .resume) }
    _ = run.url
  }

  @Test("is free again when the run is over")
  func unlock() throws {
    _ = try RunFolder(url, .new)
    _ = try RunFolder(url, .new)
  }

  @Test("a new run does not overwrite one that is there")
  func exists() throws {
    try RunFolder(url, .new).record(Recipe())
    let error = #expect(throws: TrainingError.runExists(url)) { try RunFolder(url, .new) }
    #expect(error?.exitCode == 73)
    #expect(try RunFolder(url, .resume).recordedRecipe() == Recipe())
  }

  @Test("there is nothing to resume where there is no folder")
  func nothing() throws {
    #expect(throws: TrainingError.nothingToResume(url)) { try RunFolder(url, .resume) }
    #expect(throws: FileError.self) { try RunFolder(folder.file("a", "text"), .new) }
  }

  @Test("a run is resumed by the recipe that it was started with")
  func otherRecipe() throws {
    let run = try RunFolder(url, .new)
    try run.record(Recipe())
    #expect(throws: TrainingError.otherRecipe(url, key: "width", was: "128", now: "256")) {
      try run.record(Recipe().applying(set: ["width=256"]))
    }
    try run.record(Recipe().applying(set: ["steps=3000"]))
    #expect(try run.recordedRecipe()?.steps == 3000)
  }
}

@Suite("Checkpoints of a run")
struct RunCheckpointsTests {
  let folder: TemporaryFolder
  let run: RunFolder
  let checkpoints: RunCheckpoints
  var url: URL { folder.url.appending(path: "checkpoints") }
  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: url.path).sorted() }
  }

  init() throws {
    folder = try TemporaryFolder()
    run = try RunFolder(folder.url, .new)
    checkpoints = RunCheckpoints(run, keep: 2)
  }

  func save(_ step: Int, loss: Double? = nil) throws {
    try checkpoints.save(step: step, validationLoss: loss) { folder in
      try AtomicFile.write("weights \(step)".utf8, to: folder.appending(path: "model"))
      try AtomicFile.write("moments \(step)".utf8, to: folder.appending(path: "optimiser"))
    }
  }

  func latest(_ warnings: inout [String]) throws -> RunCheckpoint? {
    try checkpoints.latest { warnings.append($0) }
  }

  @Test("the latest is found, with what was written")
  func saves() throws {
    var warnings: [String] = []
    #expect(try latest(&warnings) == nil)
    try save(5)
    try save(10, loss: 2.5)
    let latest = try #require(try latest(&warnings))
    #expect(latest.step == 10 && latest.validationLoss == 2.5)
    #expect(latest.url.lastPathComponent == "step-000010")
    let text = try String(contentsOf: latest.url.appending(path: "model"), encoding: .utf8)
    #expect(text == "weights 10")
    #expect(warnings.isEmpty)
  }

  @Test("the newest ones and the best one are kept")
  func rotates() throws {
    for (step, loss) in [(1, 3.0), (2, 1.0), (3, 2.0), (4, .nan), (1_000_000, 2.0)] {
      try save(step, loss: loss)
    }
    #expect(try names == ["step-000002", "step-000004", "step-1000000"])
    #expect(checkpoints.best()?.step == 2)
    var warnings: [String] = []
    #expect(try latest(&warnings)?.step == 1_000_000)
  }

  @Test("an evaluation after the save decides which one is best")
  func noted() throws {
    for (step, loss) in [(1, 2.0), (2, 1.0), (3, 3.0), (4, 4.0), (5, 5.0)] {
      try save(step)
      try checkpoints.note(validationLoss: loss, step: step)
    }
    try checkpoints.note(validationLoss: 0, step: 99)
    #expect(try names == ["step-000002", "step-000004", "step-000005"])
    #expect(checkpoints.best()?.validationLoss == 1)
    var warnings: [String] = []
    #expect(try latest(&warnings)?.validationLoss == 5)
  }

  @Test("a step saved again replaces what was there")
  func again() throws {
    try save(3)
    try checkpoints.save(step: 3) { folder in
      try AtomicFile.write("other".utf8, to: folder.appending(path: "model"))
    }
    var warnings: [String] = []
    let latest = try #require(try latest(&warnings))
    #expect(try String(contentsOf: latest.url.appending(path: "model"), encoding: .utf8) == "other")
    #expect(try names == ["step-000003"])
  }

  @Test(
    "a damaged one is passed over with a warning that names it",
    arguments: ["changed", "cut short", "missing", "no manifest"])
  func damaged(how: String) throws {
    try save(1)
    try save(2)
    let file = url.appending(path: "step-000002/model")
    switch how {
    case "changed": try Data("weights 3".utf8).write(to: file)
    case "cut short": try Data("weigh".utf8).write(to: file)
    case "missing": try FileManager.default.removeItem(at: file)
    default: try Data("{".utf8).write(to: url.appending(path: "step-000002/manifest.json"))
    }
    var warnings: [String] = []
    #expect(try latest(&warnings)?.step == 1)
    #expect(warnings.count == 1)
    #expect(warnings.first?.contains("step-000002") == true)
    #expect(warnings.first?.contains(how == "no manifest" ? "manifest" : "model") == true)
  }

  @Test("where all are damaged, that is an error, not a start from nothing")
  func allDamaged() throws {
    try save(1)
    try Data().write(to: url.appending(path: "step-000001/optimiser"))
    var warnings: [String] = []
    let error = #expect(throws: TrainingError.self) { try latest(&warnings) }
    #expect(error?.description.contains("optimiser has 0 bytes instead of 9") == true)
  }

  @Test("leftovers of an interrupted write are ignored and removed")
  func leftovers() throws {
    try save(1)
    let half = url.appending(path: ".step-000002.temporary")
    try FileManager.default.createDirectory(at: half, withIntermediateDirectories: true)
    try Data("half".utf8).write(to: half.appending(path: "model"))
    var warnings: [String] = []
    #expect(try latest(&warnings)?.step == 1)
    #expect(try names == ["step-000001"])
  }

  @Test("a full disk while saving leaves the last good checkpoint, and says so")
  func fullDisk() throws {
    try save(1)
    let error = #expect(throws: FileError.self) {
      try checkpoints.save(step: 2) { folder in
        try AtomicFile.write(Array("weights".utf8), to: folder.appending(path: "model")) {
          descriptor, bytes, count in
          guard lseek(descriptor, 0, SEEK_CUR) < 4 else {
            errno = ENOSPC
            return -1
          }
          return write(descriptor, bytes, min(count, 4))
        }
      }
    }
    #expect(error?.description.contains("the disk is full") == true)
    var warnings: [String] = []
    #expect(try latest(&warnings)?.step == 1)
    #expect(warnings.isEmpty)
    #expect(try names == ["step-000001"])
  }
}

@Suite("Metrics of a run")
struct MetricsTests {
  let folder: TemporaryFolder
  let run: RunFolder

  init() throws {
    folder = try TemporaryFolder()
    run = try RunFolder(folder.url, .new)
  }

  func entry(_ step: Int, loss: Double? = nil, validation: Double? = nil) -> MetricsEntry {
    var entry = MetricsEntry(step: step, time: 1_700_000_000 + Double(step))
    entry.trainLoss = loss
    entry.validationLoss = validation
    return entry
  }

  @Test("a line an entry, with the fields that were measured")
  func lines() throws {
    let log = try MetricsLog(run, resumingAt: 0)
    try log.append(entry(1, loss: 4.25))
    var sample = entry(2, validation: .infinity)
    sample.sample = "To be,\nor not/to be"
    try log.append(sample)
    let text = try String(contentsOf: run.file("metrics.jsonl"), encoding: .utf8)
    #expect(
      text == """
        {"step":1,"time":1700000001,"train_loss":4.25}
        {"sample":"To be,\\nor not/to be","step":2,"time":1700000002,"validation_loss":"Infinity"}

        """)
    #expect(MetricsLog.read(run.file("metrics.jsonl")) == log.all)
  }

  @Test("an interrupted run ends with the lines of one that was not", arguments: [0, 3, 4, 8])
  func resume(checkpoint: Int) throws {
    func go(_ log: MetricsLog, from first: Int, to last: Int) throws {
      for step in first...last {
        if step > first { try log.append(entry(step, loss: 1 / Double(step))) }
        if step > 0, step % 2 == 0 { try log.append(entry(step, validation: Double(step))) }
      }
    }
    let file = run.file("metrics.jsonl")
    try go(MetricsLog(run, resumingAt: 0), from: 0, to: 8)
    let whole = try Data(contentsOf: file)
    try whole.prefix(whole.count - 7).write(to: file)
    try go(MetricsLog(run, resumingAt: checkpoint), from: checkpoint, to: 8)
    #expect(try Data(contentsOf: file) == whole)
  }

  @Test("TensorBoard's events are the bytes that its own writer makes")
  func events() {
    var entry = MetricsEntry(step: 300, time: 1_700_000_001.25)
    entry.trainLoss = 2.5
    entry.rate = 0.001
    let bytes = EventFile.start(time: 1_700_000_000.5) + EventFile.frames(entry)
    let golden = """
      1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b3531102e00000000000000\
      c5cb57fa0900005040fc54d94110ac022a200a110a0a6c6f73732f747261696e15000020400a0b0a0472617465156f12\
      833aba9cf783
      """
    #expect(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == golden)
  }

  @Test("the checksum of TensorBoard's frames is Castagnoli's")
  func checksum() { #expect(crc32C("123456789".utf8) == 0xE306_9283) }

  @Test("a resumed run has one event file, with the steps so far")
  func eventFile() throws {
    var past = entry(1, loss: 3)
    past.sample = "text alone is no scalar"
    let first = try EventFile(run, [past])
    try first.append(entry(2, loss: 2))
    let second = try EventFile(run, [past])
    try second.append(entry(2, loss: 2))
    let files = try FileManager.default.contentsOfDirectory(
      atPath: run.file("tensorboard").path)
    #expect(files == ["events.out.tfevents.1700000001.primer"])
    let bytes = try Array(Data(contentsOf: run.file("tensorboard/" + files[0])))
    let expected =
      EventFile.start(time: 1_700_000_001) + EventFile.frames(past)
      + EventFile.frames(entry(2, loss: 2))
    #expect(bytes == expected)
    var textOnly = MetricsEntry(step: 3, time: 0)
    textOnly.sample = "text"
    #expect(EventFile.frames(textOnly).isEmpty)
  }
}
