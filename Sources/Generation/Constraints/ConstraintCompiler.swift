public import PrimerTokenizers
internal import Synchronization

/// Makes constraints for the tokens of one tokenizer. Making one needs no model, so it can be done
/// beside the thread that generates.
public struct ConstraintCompiler: Sendable {
  private let trie: TokenTrie
  public let limits: ConstraintLimits

  /// Builds the tree of the tokens' bytes, once for all constraints of the tokenizer.
  public init(tokenizer: Tokenizer, limits: ConstraintLimits = ConstraintLimits()) {
    trie = TokenTrie(tokenizer)
    self.limits = limits
  }

  /// `tokens[t]` are the bytes of token t; a token without bytes is never allowed.
  package init(tokens: [[UInt8]], limits: ConstraintLimits = ConstraintLimits()) {
    trie = TokenTrie(tokens)
    self.limits = limits
  }

  /// A JSON value that satisfies a JSON Schema (2020-12, or draft 7 where `$schema` says so).
  ///
  /// Members come in the order in which `properties` lists them, then further ones. Where a schema
  /// declares properties and says nothing of others, there are no others. What cannot be enforced is
  /// refused, with the keyword and its place.
  public func jsonSchema(
    _ text: [UInt8], spacing: JSONSpacing = .single
  ) throws -> CompiledConstraint {
    let schema: JSONValue
    do { schema = try JSONValue(parsing: text) } catch {
      throw ConstraintError.badSchema(pointer: "", reason: "not JSON: \(error)")
    }
    return try jsonSchema(schema, spacing: spacing)
  }

  package func jsonSchema(
    _ schema: JSONValue, spacing: JSONSpacing = .single
  ) throws -> CompiledConstraint {
    var compiler = try SchemaCompiler(schema, limits, spacing)
    return try compiled(try compiler.compiled(), of: "the schema")
  }

  /// Any JSON object.
  public func jsonObject(spacing: JSONSpacing = .single) throws -> CompiledConstraint {
    try jsonSchema(.object([("type", .string("object"))]), spacing: spacing)
  }

  /// A text of a grammar in GBNF, the notation of llama.cpp; its start is the rule `root`.
  public func grammar(_ text: String) throws -> CompiledConstraint {
    var reader = GrammarReader(text, limits)
    return try compiled(try reader.grammar(), of: "the grammar")
  }

  /// A text that a regular expression matches whole; its syntax is that of ECMAScript, less
  /// lookaround, backreferences and word boundaries.
  public func regex(_ pattern: String) throws -> CompiledConstraint {
    let node = try RegexReader.read(pattern, depth: limits.depth)
    var grammar = Grammar()
    grammar.rules = [try node.expression(pattern: pattern)]
    grammar.names = ["root"]
    return try compiled(grammar, of: "the regular expression")
  }

  private func compiled(_ grammar: Grammar, of what: String) throws -> CompiledConstraint {
    do {
      return try CompiledConstraint(try GrammarNetwork(grammar, limits), trie, limits)
    } catch ConstraintError.unsatisfiable {
      throw ConstraintError.unsatisfiable(what)
    }
  }
}

/// A constraint ready for use, by any number of texts at once.
public final class CompiledConstraint: Sendable {
  private let network: GrammarNetwork
  private let trie: TokenTrie
  private let limits: ConstraintLimits
  private let current: Mutex<SharedMasks>

  init(_ network: GrammarNetwork, _ trie: TokenTrie, _ limits: ConstraintLimits) throws {
    self.network = network
    self.trie = trie
    self.limits = limits
    current = Mutex(try SharedMasks(network, trie, limits))
  }

  /// A constraint on one text, at its beginning.
  public func begin() -> any TokenConstraint {
    let masks = current.withLock { masks in
      // What was remembered for texts long past goes with the last of them.
      if masks.isOld, let fresh = try? SharedMasks(network, trie, limits) { masks = fresh }
      return masks
    }
    return GrammarConstraint(masks, masks.start, trie.vocabulary)
  }
}

/// Masks that texts under the same constraint find together.
final class SharedMasks: Sendable {
  private let table: Mutex<MaskTable>
  private let limit: Int
  let start: WindowTable.Cursor

  init(_ network: GrammarNetwork, _ trie: TokenTrie, _ limits: ConstraintLimits) throws {
    var table = MaskTable(network, trie, limits)
    start = try table.start()
    limit = limits.windows / 2
    self.table = Mutex(table)
  }

  var isOld: Bool { table.withLock { $0.size } > limit }

  func mask(_ cursor: WindowTable.Cursor) throws -> TokenMask {
    try table.withLock { try $0.mask(cursor) }
  }

  func advance(_ cursor: WindowTable.Cursor, _ token: Int32) throws -> WindowTable.Cursor? {
    try table.withLock { try $0.advance(cursor, token) }
  }

  func isComplete(_ cursor: WindowTable.Cursor) -> Bool {
    table.withLock { $0.windows.isComplete(cursor) }
  }
}

/// A text on its way through a grammar.
public final class GrammarConstraint: TokenConstraint {
  private let masks: SharedMasks
  private var cursor: WindowTable.Cursor
  private let vocabulary: Int
  /// What went wrong: the text needed more than the budget. From then on no token may come.
  public private(set) var failure: ConstraintError?

  init(_ masks: SharedMasks, _ cursor: WindowTable.Cursor, _ vocabulary: Int) {
    self.masks = masks
    self.cursor = cursor
    self.vocabulary = vocabulary
  }

  public func mask() -> TokenMask {
    guard failure == nil else { return TokenMask(allowsAll: false, vocabulary: vocabulary) }
    do { return try masks.mask(cursor) } catch {
      failure = error as? ConstraintError
      return TokenMask(allowsAll: false, vocabulary: vocabulary)
    }
  }

  public func accept(_ token: Int32) -> Bool {
    guard failure == nil else { return false }
    do {
      guard let next = try masks.advance(cursor, token) else { return false }
      cursor = next
      return true
    } catch {
      failure = error as? ConstraintError
      return false
    }
  }

  public var isComplete: Bool { masks.isComplete(cursor) }

  public func fork() -> any TokenConstraint {
    let copy = GrammarConstraint(masks, cursor, vocabulary)
    copy.failure = failure
    return copy
  }
}
