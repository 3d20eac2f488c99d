import Foundation
import TestSupport
import Testing

@Suite("Resuming a run", .enabled(if: PrimerCommand.isBuilt))
struct ResumeTests {
  /// Kills the run at random instants until it gets to its end.
  private func runWithKills(
    _ tiny: TinyRun, _ arguments: [String], mostMilliseconds: Int, kills: Int
  ) throws -> Int {
    var killed = 0
    for attempt in 0... {
      let again = attempt == 0 ? [] : ["--resume"]
      let (process, finish) = try PrimerCommand.start(arguments + again, in: tiny.folder.url)
      if killed < kills {
        usleep(UInt32.random(in: 1000...UInt32(1000 * mostMilliseconds)))
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
      }
      let outcome = try finish()
      switch outcome.code {
      case 0: return killed
      case 128 + SIGKILL: killed += 1
      // Killed before the folder was made: there is nothing to resume.
      case 66 where attempt > 0:
        #expect(try tiny.run(arguments).code == 0)
        return killed
      default:
        Issue.record("exit \(outcome.code): \(outcome.errors)")
        return killed
      }
    }
    return killed
  }

  @Test(
    "ends with the same bytes after being killed at random instants",
    arguments: [
      ["optimiser": "adamw", "dropout": "0.1"],
      // Nearly all of the time goes into writing checkpoints and into evaluations.
      ["optimiser": "muon", "checkpoint_every": "1", "evaluate_every": "2"],
    ])
  func killed(settings: [String: String]) throws {
    let tiny = try TinyRun()
    let begun = ContinuousClock.now
    let whole = try tiny.run(tiny.arguments("whole", settings))
    #expect(whole.code == 0, "\(whole.errors)")
    let milliseconds = Int((ContinuousClock.now - begun) / .milliseconds(1))
    let killed = try runWithKills(
      tiny, tiny.arguments("killed", settings), mostMilliseconds: max(2, milliseconds / 3), kills: 8
    )
    #expect(killed > 0, "no kill came in time")
    #expect(try tiny.finalState("killed", step: 40) == tiny.finalState("whole", step: 40))
    #expect(try tiny.losses("killed") == tiny.losses("whole"))
  }

  @Test("an interrupted run saves, says how to go on, and ends with the same bytes")
  func interrupted() throws {
    let tiny = try TinyRun()
    let steps = ["steps": "400", "checkpoint_every": "0", "evaluate_every": "0"]
    #expect(try tiny.run(tiny.arguments("whole", steps)).code == 0)
    let arguments = tiny.arguments("stopped", steps).filter { $0 != "--quiet" }
    let (process, finish) = try PrimerCommand.start(arguments, in: tiny.folder.url)
    while !FileManager.default.fileExists(
      atPath: tiny.output("stopped").appending(path: "metrics.jsonl").path), process.isRunning
    {
      usleep(2000)
    }
    usleep(20_000)
    kill(process.processIdentifier, SIGINT)
    let outcome = try finish()
    if outcome.code == 130 {
      #expect(outcome.errors.contains("--resume"))
      let resume = ["pretrain", "--output", tiny.output("stopped").path, "--resume", "--quiet"]
      #expect(try tiny.run(resume).code == 0)
    } else {
      #expect(outcome.code == 0, "\(outcome.errors)")
    }
    #expect(try tiny.finalState("stopped", step: 400) == tiny.finalState("whole", step: 400))
  }

  @Test("a run that is done has nothing to do, and keeps its last loss")
  func finished() throws {
    let tiny = try TinyRun()
    let first = try tiny.run(tiny.arguments("run", ["steps": "4"])).json()
    let arguments = tiny.arguments("run", ["steps": "4"]).filter { $0 != "--quiet" }
    let outcome = try tiny.run(arguments + ["--resume"])
    #expect(outcome.code == 0)
    #expect(outcome.errors.contains("nothing to do: all 4 steps are done"))
    let again = try outcome.json()
    #expect(try #require(again["train_loss"] as? Double) == first["train_loss"] as? Double)
  }

  @Test("the same bytes come of any number of threads")
  func threads() throws {
    let tiny = try TinyRun()
    for threads in ["1", "2", "3"] {
      let arguments = tiny.arguments("threads-" + threads, ["width": "64", "dropout": "0.1"])
      #expect(try tiny.run(arguments + ["--threads", threads]).code == 0)
    }
    let one = try tiny.finalState("threads-1", step: 40)
    #expect(try tiny.finalState("threads-2", step: 40) == one)
    #expect(try tiny.finalState("threads-3", step: 40) == one)
  }

  @Test("a damaged checkpoint is named and the one before it is used")
  func damaged() throws {
    let tiny = try TinyRun()
    #expect(try tiny.run(tiny.arguments("whole")).code == 0)
    #expect(try tiny.run(tiny.arguments("hurt")).code == 0)
    let model = tiny.output("hurt").appending(path: "checkpoints/step-000040/model.safetensors")
    // The run's own model is the same file under another name: remove that first.
    try FileManager.default.removeItem(at: tiny.output("hurt").appending(path: "model.safetensors"))
    let bytes = try Data(contentsOf: model)
    try bytes.prefix(bytes.count / 2).write(to: model)
    let arguments = tiny.arguments("hurt").filter { $0 != "--quiet" } + ["--resume"]
    let outcome = try tiny.run(arguments)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("step-000040"))
    #expect(try tiny.finalState("hurt", step: 40) == tiny.finalState("whole", step: 40))
  }
}
