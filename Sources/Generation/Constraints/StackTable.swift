/// Stacks of states to return to, each stored once: equal stacks have equal numbers. 0 is empty.
struct StackTable: Sendable {
  private var frames: [Int32] = [-1]
  private var parents: [Int32] = [-1]
  private var depths: [Int32] = [0]
  private var numbers: [UInt64: Int32] = [:]

  var count: Int { frames.count }

  func top(_ stack: Int32) -> Int32 { frames[Int(stack)] }
  func parent(_ stack: Int32) -> Int32 { parents[Int(stack)] }
  func depth(_ stack: Int32) -> Int { Int(depths[Int(stack)]) }

  mutating func push(_ frame: Int32, on stack: Int32) -> Int32 {
    let key = UInt64(UInt32(bitPattern: stack)) << 32 | UInt64(UInt32(bitPattern: frame))
    if let number = numbers[key] { return number }
    let number = Int32(frames.count)
    frames.append(frame)
    parents.append(stack)
    depths.append(depths[Int(stack)] + 1)
    numbers[key] = number
    return number
  }

  /// The frames of a stack, the bottom first.
  func frames(of stack: Int32) -> [Int32] {
    var result: [Int32] = []
    var stack = stack
    while stack != 0 {
      result.append(top(stack))
      stack = parent(stack)
    }
    return result.reversed()
  }
}
