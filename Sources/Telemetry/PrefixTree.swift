/// How prompts begin alike, as a tree: a node is a run of tokens after those of its parent, and every prompt that begins
/// with it begins with all of its ancestors.
///
/// Traces name the blocks of a prompt by hashes of all tokens up to their end, so that equal hashes mean equal
/// beginnings. Source: Qin et al. (2025), "Mooncake: Trading More Storage for Less Computation", FAST, section 4.
package struct PrefixTree: Sendable, Equatable {
  /// Means that a prompt begins as no other does.
  @inlinable @inline(__always) package static var none: Int32 { -1 }
  /// The most nodes of a tree.
  package static let most = 4_000_000

  /// Of each node; `none` for those that begin a prompt. A parent comes before its children.
  package private(set) var parents: [Int32] = []
  /// Of each node, the tokens of a prompt up to its end; more than those of its parent.
  package private(set) var ends: [Int32] = []

  package init() {}

  /// - Parameters:
  ///   - parent: `none`, or a node of the tree.
  ///   - end: tokens up to its end, more than the parent's.
  /// - Returns: the new node.
  package mutating func append(parent: Int32, end: Int32) -> Int32 {
    precondition(ends.count < Self.most && end > (parent == Self.none ? 0 : ends[Int(parent)]))
    parents.append(parent)
    ends.append(end)
    return Int32(ends.count - 1)
  }

  /// Beginnings that have nothing in common, each of the same tokens, in nodes of `step` tokens (the last may have less).
  /// The leaf of the one with number `k`, from 0, is `(k + 1) × nodes of each − 1`.
  package init(separate count: Int, tokens: Int32, step: Int32) {
    for _ in 0..<count {
      var parent = Self.none
      for end in stride(from: min(step, tokens), through: tokens, by: Int(step)) {
        parent = append(parent: parent, end: end)
      }
      if tokens % step != 0, tokens > step { _ = append(parent: parent, end: tokens) }
    }
  }

  package var count: Int { ends.count }
}
