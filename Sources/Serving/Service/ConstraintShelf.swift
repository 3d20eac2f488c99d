import PrimerGeneration
import PrimerTokenizers
import Synchronization

/// Compiled constraints of one model: the tree of its tokens is made once, when first needed.
final class ConstraintShelf: Sendable {
  private let tokenizer: Tokenizer
  private let compiler = Mutex<ConstraintCompiler?>(nil)
  private let compiled = Mutex<[String: CompiledConstraint]>([:])

  init(_ tokenizer: Tokenizer) { self.tokenizer = tokenizer }

  /// A JSON value of a schema.
  /// - Throws: `ConstraintError` where the schema cannot be enforced.
  func schema(_ schema: JSONValue) throws -> CompiledConstraint {
    let text = schema.text
    if let known = compiled.withLock({ $0[text] }) { return known }
    let compiler = compiler.withLock { shared in
      let compiler = shared ?? ConstraintCompiler(tokenizer: tokenizer)
      shared = compiler
      return compiler
    }
    // Requests tell whole numbers from others; schemas do not.
    let constraint = try compiler.jsonSchema(Array(text.utf8))
    compiled.withLock { all in
      if all.count >= 64 { all.removeAll() }
      all[text] = constraint
    }
    return constraint
  }
}
