import Foundation
import PrimerTraining
import Synchronization
import Testing

@Suite("Progress line")
struct ProgressTests {
  let progress = Progress(
    step: 1250, steps: 2000, loss: 1.98768, tokensPerSecond: 41_234.5, utilisation: 0.613,
    secondsLeft: 14.2)

  @Test("says step, loss, rate, utilisation and time left")
  func facts() {
    #expect(
      progress.facts
        == "step 1,250/2,000 · loss 1.9877 · 41,235 tokens/s · 61 % of peak · 14 s left")
    let last = Progress(
      step: 2000, steps: 2000, loss: .nan, validationLoss: 1.88, tokensPerSecond: 5,
      secondsLeft: 0)
    #expect(last.facts == "step 2,000/2,000 · loss nan · validation 1.8800 · 5 tokens/s · done")
  }

  @Test("is never wider than the terminal, and has a bar where there is room", arguments: 0...140)
  func width(columns: Int) {
    let line = progress.line(columns: columns)
    #expect(line.count <= columns)
    #expect(line.contains("█") == (columns >= progress.facts.count + 9))
  }

  @Test("the bar grows by eighths of a character")
  func bar() {
    let line = progress.line(columns: progress.facts.count + 11)
    #expect(line.hasPrefix("██████▎░░░ step"))
  }

  @Test(
    "durations are short",
    arguments: [
      (0.4, "0 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (3900, "1 h 05 min"),
      (90_000, "1 d 01 h"), (.infinity, "?"), (.nan, "?"), (-5, "0 s"),
    ] as [(Double, String)])
  func duration(seconds: Double, text: String) { #expect(Progress.duration(seconds) == text) }

  @Test("numbers have commas at thousands")
  func grouped() {
    let texts = [0, 999, 1000, 1_234_567, -1000].map(Progress.grouped)
    #expect(texts == ["0", "999", "1,000", "1,234,567", "-1,000"])
  }

  func shown(quiet: Bool = false, isTerminal: Bool, _ use: (ProgressLine, inout Double) -> Void)
    -> [String]
  {
    let written = Mutex<[String]>([])
    let time = Mutex(0.0)
    let line = ProgressLine(
      quiet: quiet, isTerminal: isTerminal, columns: { 100 }, now: { time.withLock { $0 } },
      write: { text in written.withLock { $0.append(text) } })
    var now = 0.0
    for _ in 0..<3 {
      use(line, &now)
      time.withLock { $0 = now }
    }
    return written.withLock { $0 }
  }

  @Test("rewrites its line on a terminal, ten times a second at most")
  func terminal() {
    let lines = shown(isTerminal: true) { line, now in
      line.show(progress)
      now += 0.06
    }
    #expect(lines.count == 2)
    #expect(lines.allSatisfy { $0.hasPrefix("\r\u{1B}[K█") && !$0.hasSuffix("\n") })
  }

  @Test("writes plain lines elsewhere, every five seconds, and says messages at once")
  func plain() {
    let lines = shown(isTerminal: false) { line, now in
      line.show(progress)
      line.say("saved")
      now += 3
    }
    #expect(
      lines == [progress.facts + "\n", "saved\n", "saved\n", progress.facts + "\n", "saved\n"])
  }

  @Test("a message on a terminal takes the place of the line")
  func message() {
    let lines = shown(isTerminal: true) { line, now in
      line.show(progress)
      line.say("saved")
      now = 100
    }
    #expect(lines[1...2] == ["\r\u{1B}[K", "saved\n"])
  }

  @Test("is silent when quiet")
  func quiet() {
    #expect(
      shown(quiet: true, isTerminal: true) { line, _ in
        line.show(progress)
        line.say("saved")
        line.endLine()
      }.isEmpty)
  }
}

@Suite("Signals", .serialized)
struct SignalTests {
  @Test("the first sets a flag, until it is forgotten; a second acts at once; the old way returns")
  func signals() async throws {
    let second = Mutex<Int32?>(nil)
    signal(SIGUSR2, SIG_IGN)
    do {
      let watcher = SignalWatcher([SIGUSR2]) { number in second.withLock { $0 = number } }
      #expect(watcher.received == nil && !watcher.isInterrupted)
      kill(getpid(), SIGUSR2)
      try await wait { watcher.isInterrupted }
      #expect(watcher.received == SIGUSR2)
      #expect(second.withLock { $0 } == nil)
      watcher.forget()
      #expect(!watcher.isInterrupted)
      kill(getpid(), SIGUSR2)
      try await wait { watcher.isInterrupted }
      #expect(second.withLock { $0 } == nil)
      kill(getpid(), SIGUSR2)
      try await wait { second.withLock { $0 } == SIGUSR2 }
    }
    kill(getpid(), SIGUSR2)
  }

  func wait(until isTrue: () -> Bool) async throws {
    for _ in 0..<500 where !isTrue() { try await Task.sleep(for: .milliseconds(10)) }
    #expect(isTrue())
  }
}
