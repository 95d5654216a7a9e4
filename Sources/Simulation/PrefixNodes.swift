import Telemetry

/// How the prompts of a model begin alike: a tree that is known beforehand, or one that grows with its sessions.
///
/// Of a session, a turn is two nodes: its prompt, all that was said before included, and after that its response, which is
/// complete in a cache but for its last token. The next turn's prompt begins with them. When a session has ended, its nodes
/// go as soon as no cache has them, and are used again.
///
/// Invariants: a parent's end is before those of its children; a node that is used again is in no cache.
final class PrefixNodes {
  private(set) var parents: [Int32]
  private(set) var ends: [Int32]
  /// Whether it is of sessions.
  let grows: Bool

  // Of sessions.
  /// By the node of a prompt, that of its response; `none` if that has no token of its own in a cache.
  private var responses: [Int32] = []
  /// The node that the same session has had before.
  private var earlier: [Int32] = []
  /// Caches that have it.
  private var copies: [Int32] = []
  private var hasEnded: [Bool] = []
  private var free: [Int32] = []

  /// A tree that is known.
  init(_ tree: PrefixTree) {
    parents = tree.parents
    ends = tree.ends
    grows = false
  }

  /// One of sessions, none of which has begun.
  init() {
    parents = []
    ends = []
    grows = true
  }

  var count: Int { ends.count }

  /// The node of the response to a prompt; `none` if it has none.
  func response(to prompt: Int32) -> Int32 { grows ? responses[Int(prompt)] : PrefixTree.none }

  /// A turn of a session.
  /// - Parameters:
  ///   - parent: what its prompt begins with; `none` if nothing is known of that.
  ///   - prompt: its tokens, all that was said before included.
  ///   - output: of the response.
  ///   - last: the node that the session has had last.
  /// - Returns: the node of the prompt, and the one that the session has had last now.
  func append(parent: Int32, prompt: Int32, output: Int32, after last: Int32) -> (prompt: Int32, last: Int32)
  {
    // A prompt counts as at least one token.
    let end = max(prompt, 1)
    var parent = parent
    // Nothing new was said.
    while parent >= 0, ends[Int(parent)] >= end { parent = parents[Int(parent)] }
    let node = insert(parent: parent, end: end, after: last)
    guard output > 1 else { return (node, node) }
    let (complete, overflows) = end.addingReportingOverflow(output - 1)
    let response = insert(parent: node, end: overflows ? .max : complete, after: node)
    responses[Int(node)] = response
    return (node, response)
  }

  private func insert(parent: Int32, end: Int32, after last: Int32) -> Int32 {
    assert(parent < 0 || ends[Int(parent)] < end)
    if let node = free.popLast() {
      let place = Int(node)
      (parents[place], ends[place], responses[place]) = (parent, end, PrefixTree.none)
      (earlier[place], copies[place], hasEnded[place]) = (last, 0, false)
      return node
    }
    parents.append(parent)
    ends.append(end)
    responses.append(PrefixTree.none)
    earlier.append(last)
    copies.append(0)
    hasEnded.append(false)
    return Int32(ends.count - 1)
  }

  /// A session has ended.
  func end(_ last: Int32) {
    var node = last
    while node >= 0 {
      let place = Int(node)
      hasEnded[place] = true
      if copies[place] == 0 { free.append(node) }
      node = earlier[place]
    }
  }

  /// A cache has a node that it had not.
  func cached(_ node: Int32) { if grows { copies[Int(node)] += 1 } }

  /// A cache has a node no more.
  func dropped(_ node: Int32) {
    guard grows else { return }
    let place = Int(node)
    copies[place] -= 1
    if copies[place] == 0, hasEnded[place] { free.append(node) }
  }
}
