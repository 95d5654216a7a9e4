import Telemetry

/// Beginnings of prompts whose keys and values a replica still has, so that a request that begins with one does not read
/// it again.
///
/// A node of the tree is *cached* once a request has read it. It is *pinned* while a request holds it, and is otherwise
/// kept as long as nothing else needs its blocks: the node that has been unpinned the longest goes first, of a prompt's
/// nodes the last one. Source: Kwon et al. (2023), "Efficient Memory Management for Large Language Model Serving with
/// PagedAttention", SOSP, section 4.4; vLLM's automatic prefix caching. Unlike vLLM, which keeps both, what two requests
/// have read at once is kept once, as in Zheng et al. (2024), "SGLang", NeurIPS, section 3.
///
/// Only whole blocks are shared: a node has the blocks that end in it.
///
/// Invariants, checked by `checkInvariants()`: the parent of a cached node is cached, that of a pinned one is pinned, and
/// that of a node that may go goes later; `evictable` counts the blocks of those that may go.
struct PrefixCache {
  private let tree: PrefixNodes
  private let blockSize: Int64
  /// Of each node: requests that hold it and are not held through a child, and children that are pinned; −1 if it is not
  /// cached.
  private var holders: [Int32] = []
  /// Cached nodes that are not pinned, from the one that goes first; −1 at both ends.
  private var next: [Int32] = []
  private var previous: [Int32] = []
  private var oldest: Int32 = -1
  private var newest: Int32 = -1
  /// Blocks of cached nodes that are not pinned.
  private(set) var evictable: Int64 = 0

  init(_ tree: PrefixNodes, blockSize: Int64) {
    self.tree = tree
    self.blockSize = blockSize
  }

  /// Before the first node is cached, and as nodes are added: a replica that is never started needs no memory.
  private mutating func prepare() {
    let more = repeatElement(Int32(-1), count: tree.count - holders.count)
    holders += more
    next += more
    previous += more
  }

  /// Whole blocks of a prompt up to a node's end.
  func blocks(upTo node: Int32) -> Int64 { node < 0 ? 0 : Int64(tree.ends[Int(node)]) / blockSize }

  private func blocks(of node: Int32) -> Int64 { blocks(upTo: node) - blocks(upTo: tree.parents[Int(node)]) }

  func parent(of node: Int32) -> Int32 { node < 0 ? node : tree.parents[Int(node)] }

  /// The longest beginning of a leaf's prompt that is cached; −1 if there is none.
  func longestCached(_ leaf: Int32) -> Int32 {
    if holders.isEmpty { return PrefixTree.none }
    var node = leaf
    while node >= 0, Int(node) >= holders.count || holders[Int(node)] < 0 { node = tree.parents[Int(node)] }
    return node
  }

  /// Blocks that could go until now, and cannot once a cached node is pinned.
  func blocksToPin(_ node: Int32) -> Int64 {
    var node = node
    var sum: Int64 = 0
    while node >= 0, holders[Int(node)] == 0 {
      sum += blocks(of: node)
      node = tree.parents[Int(node)]
    }
    return sum
  }

  /// A request holds a cached node, and so all of its ancestors.
  mutating func pin(_ node: Int32) {
    var node = node
    while node >= 0 {
      let place = Int(node)
      holders[place] += 1
      if holders[place] > 1 { return }
      unlink(node)
      evictable -= blocks(of: node)
      node = tree.parents[place]
    }
  }

  /// A request that held a node holds it no more.
  /// - Returns: blocks that may go from now on.
  mutating func unpin(_ node: Int32) -> Int64 {
    var node = node
    var sum: Int64 = 0
    while node >= 0 {
      let place = Int(node)
      holders[place] -= 1
      if holders[place] > 0 { break }
      link(node)
      sum += blocks(of: node)
      node = tree.parents[place]
    }
    evictable += sum
    return sum
  }

  /// A request that held a node, or none, has read its prompt on to a leaf, which it holds from now on.
  /// - Returns: blocks of nodes that were not pinned until now.
  mutating func extend(_ held: Int32, to leaf: Int32) -> Int64 {
    guard held != leaf else { return 0 }
    if holders.count < tree.count { prepare() }
    var pinned: Int64 = 0
    var node = leaf
    while node >= 0 {
      let place = Int(node)
      if holders[place] > 0 {
        holders[place] += 1
        break
      }
      if holders[place] == 0 {
        unlink(node)
        evictable -= blocks(of: node)
      } else {
        tree.cached(node)
      }
      holders[place] = 1
      pinned += blocks(of: node)
      node = tree.parents[place]
    }
    // Held through a child from now on.
    if held >= 0 { _ = unpin(held) }
    return pinned
  }

  /// Lets the oldest go until no more than this many blocks could go.
  mutating func evict(downTo blocks: Int64) {
    while evictable > blocks || blocks == 0, oldest >= 0 {
      let node = oldest
      unlink(node)
      evictable -= self.blocks(of: node)
      holders[Int(node)] = -1
      tree.dropped(node)
    }
  }

  /// The node of the response to a prompt; `PrefixTree.none` if it has none.
  func response(to leaf: Int32) -> Int32 { leaf < 0 ? leaf : tree.response(to: leaf) }

  mutating func removeAll() {
    for node in holders.indices where holders[node] >= 0 {
      holders[node] = -1
      tree.dropped(Int32(node))
    }
    oldest = -1
    newest = -1
    evictable = 0
  }

  private mutating func link(_ node: Int32) {
    previous[Int(node)] = newest
    next[Int(node)] = -1
    if newest >= 0 { next[Int(newest)] = node } else { oldest = node }
    newest = node
  }

  private mutating func unlink(_ node: Int32) {
    let (before, after) = (previous[Int(node)], next[Int(node)])
    if before >= 0 { next[Int(before)] = after } else { oldest = after }
    if after >= 0 { previous[Int(after)] = before } else { newest = before }
  }

  /// Blocks of the nodes that requests hold, and whether the invariants hold.
  func checkInvariants(held: [Int32]) -> Int64? {
    if holders.isEmpty { return held.allSatisfy { $0 < 0 } && evictable == 0 ? 0 : nil }
    var counts = Array(repeating: Int32(0), count: holders.count)
    for node in held where node >= 0 { counts[Int(node)] += 1 }
    var pinned: Int64 = 0
    // Children come after their parents.
    for node in counts.indices.reversed() where counts[node] > 0 {
      pinned += blocks(of: Int32(node))
      if tree.parents[node] >= 0 { counts[Int(tree.parents[node])] += 1 }
    }
    var may: Int64 = 0
    var seen: Set<Int32> = []
    var node = oldest
    while node >= 0 {
      may += blocks(of: node)
      let parent = tree.parents[Int(node)]
      guard holders[Int(node)] == 0, !seen.contains(parent) else { return nil }
      seen.insert(node)
      node = next[Int(node)]
    }
    for node in counts.indices where holders[node] >= 0 {
      let parent = tree.parents[node]
      guard holders[node] == counts[node], parent < 0 || holders[Int(parent)] >= 0,
        holders[node] > 0 || seen.contains(Int32(node))
      else { return nil }
    }
    return may == evictable && counts.indices.allSatisfy({ counts[$0] == 0 || holders[$0] > 0 })
      ? pinned : nil
  }
}
