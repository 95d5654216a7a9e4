import Telemetry

/// How the prompts of recorded requests begin alike: by the hashes of their blocks (`prefix`), or else by their sessions,
/// of which each prompt contains the ones before it.
///
/// Requests are added in any order and placed in order of arrival.
struct RecordedPrefixes {
  /// What a request says of itself.
  struct Mark {
    /// Numbers of its blocks, first to last.
    fileprivate var blocks: [Int32] = []
    /// Number of its session; −1 without one.
    fileprivate var session: Int32 = -1
  }

  /// A prompt, of which `mark` is what was recorded.
  struct Prompt {
    var mark: Mark
    var tokens: Int32
    var id: Int64
  }

  private var blocks: [String: Int32] = [:]
  private var sessions: [String: Int32] = [:]

  private static func number(_ name: String, _ known: inout [String: Int32]) -> Int32 {
    if let number = known[name] { return number }
    let number = Int32(known.count)
    known[name] = number
    return number
  }

  /// - Returns: `nil` where nothing is known of the row.
  mutating func mark(_ row: Int, of requests: RequestColumns) -> Mark? {
    guard let extras = requests.extras else { return nil }
    var mark = Mark()
    if let hashes = extras[.prefix]?[row], !hashes.isEmpty {
      mark.blocks = hashes.split(separator: UInt8(ascii: " ")).map {
        Self.number(String(decoding: $0, as: UTF8.self), &blocks)
      }
    }
    if let session = extras[.session]?.text(row), !session.isEmpty {
      mark.session = Self.number(session, &sessions)
    }
    return mark
  }

  /// Places each prompt in a tree.
  /// - Parameter prompts: in order of arrival.
  /// - Returns: the tree and the leaf of each prompt; `nil` where nothing is known of any.
  /// - Throws: `DatasetError` for hashes that contradict each other.
  static func tree(_ prompts: [Prompt], path: String) throws -> (tree: PrefixTree, leaves: [Int32])? {
    if prompts.contains(where: { !$0.mark.blocks.isEmpty }) { return try byBlocks(prompts, path) }
    if prompts.contains(where: { $0.mark.session >= 0 }) { return try bySessions(prompts, path) }
    return nil
  }

  // MARK: Hashes

  private static func byBlocks(
    _ prompts: [Prompt], _ path: String
  ) throws -> (tree: PrefixTree, leaves: [Int32]) {
    guard let size = blockTokens(prompts) else {
      throw DatasetError(
        path,
        "the prefixes of its requests list numbers of blocks that fit no one size of block for the input_tokens that they have. Correct them, or leave the column prefix out."
      )
    }
    var tree = PrefixTree()
    var nodes: [Int32: Int32] = [:]
    let leaves = try prompts.map { prompt in
      var leaf = PrefixTree.none
      for (place, block) in prompt.mark.blocks.enumerated() {
        let end = Int32(min(Int64(place + 1) * size, Int64(prompt.tokens)))
        if let known = nodes[block] {
          guard tree.parents[Int(known)] == leaf, tree.ends[Int(known)] == end else {
            throw DatasetError(
              path,
              "request \(prompt.id) has block \(place + 1) of its prefix after other blocks, or with fewer tokens, than an earlier request. A hash stands for all tokens up to the end of its block. Correct it, or leave the column prefix out."
            )
          }
          leaf = known
        } else {
          leaf = try append(&tree, leaf, end, path)
          nodes[block] = leaf
        }
      }
      return leaf
    }
    return (tree, leaves)
  }

  /// Tokens of a block: the prompt's last block is there if it is begun or, elsewhere, only if it is full. Of several sizes
  /// that fit all prompts, a power of two, the largest, if there is one.
  private static func blockTokens(_ prompts: [Prompt]) -> Int64? {
    func narrow(_ range: inout ClosedRange<Int64>?, _ least: Int64, _ most: Int64) {
      guard let known = range, max(known.lowerBound, least) <= min(known.upperBound, most) else {
        range = nil
        return
      }
      range = max(known.lowerBound, least)...min(known.upperBound, most)
    }
    var begun: ClosedRange<Int64>? = 1...Int64.max
    var full = begun
    for prompt in prompts where !prompt.mark.blocks.isEmpty {
      let (count, tokens) = (Int64(prompt.mark.blocks.count), Int64(prompt.tokens))
      narrow(&begun, (tokens + count - 1) / count, count == 1 ? .max : (tokens - 1) / (count - 1))
      narrow(&full, tokens / (count + 1) + 1, tokens / count)
    }
    let sizes = [begun, full].compactMap(\.self)
    let powers = (0..<31).map { Int64(1) << $0 }
    return sizes.lazy.compactMap { range in powers.last(where: range.contains) }.first
      ?? sizes.first?.lowerBound
  }

  // MARK: Sessions

  private static func bySessions(
    _ prompts: [Prompt], _ path: String
  ) throws -> (tree: PrefixTree, leaves: [Int32]) {
    var tree = PrefixTree()
    var last: [Int32: Int32] = [:]
    let leaves = try prompts.map { prompt in
      guard prompt.mark.session >= 0, prompt.tokens > 0 else { return PrefixTree.none }
      let before = last[prompt.mark.session] ?? PrefixTree.none
      let end = before < 0 ? 0 : tree.ends[Int(before)]
      if before >= 0, end == prompt.tokens { return before }
      // A prompt that is shorter than the one before it does not contain it.
      let leaf = try append(&tree, prompt.tokens > end ? before : PrefixTree.none, prompt.tokens, path)
      last[prompt.mark.session] = leaf
      return leaf
    }
    return (tree, leaves)
  }

  private static func append(
    _ tree: inout PrefixTree, _ parent: Int32, _ end: Int32, _ path: String
  ) throws -> Int32 {
    guard tree.count < PrefixTree.most else {
      throw DatasetError(path, "the trace has more than \(PrefixTree.most) different beginnings. Split it.")
    }
    guard end > (parent < 0 ? 0 : tree.ends[Int(parent)]) else {
      throw DatasetError(
        path, "a prefix lists a block that has no tokens of its prompt. Correct prefix or input_tokens.")
    }
    return tree.append(parent: parent, end: end)
  }
}
