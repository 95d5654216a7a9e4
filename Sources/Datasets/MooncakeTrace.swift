import Telemetry

/// A Mooncake trace as published: an object a line with `timestamp` (ms from the trace's start), `input_length`,
/// `output_length` (tokens) and `hash_ids`, the blocks of 512 tokens of the prompt, the last one perhaps in part. Equal
/// blocks begin equal prompts. Source: Qin et al. (2025), "Mooncake: Trading More Storage for Less Computation", FAST.
///
/// Its times have no date: they count from 1970-01-01T00:00Z.
struct MooncakeTrace {
  private static let blockTokens: Int64 = 512
  /// Bytes of a line: a prompt of two million tokens has 4,200 blocks.
  private static let longestLine = 1 << 22

  private(set) var requests: [TraceFile.Request] = []
  private(set) var prefixes = PrefixTree()
  /// Nodes by the names of their blocks.
  private var nodes: [Int64: Int32] = [:]

  /// Whether the first line of a file that is not empty is meant as a request of such a trace.
  /// - Throws: `NotFoundError`, `DatasetError`.
  static func isOne(_ path: String) throws -> Bool {
    let lines = LineReader(try InputFile(path, again: "a trace"), longest: longestLine)
    // Of another kind of file, the first line may be anything.
    while let line = try? lines.next() {
      if isBlank(line) { continue }
      return line.first(where: { $0 != 0x20 && $0 != 0x09 }) == UInt8(ascii: "{")
        && line.firstRange(of: Array("\"hash_ids\"".utf8)) != nil
    }
    return false
  }

  private static func isBlank(_ line: ArraySlice<UInt8>) -> Bool {
    line.allSatisfy { $0 == 0x20 || $0 == 0x0d || $0 == 0x09 }
  }

  /// - Throws: `NotFoundError`; `DatasetError` for a line that is not of such a trace, or contradicts one before.
  init(_ path: String) throws {
    let lines = LineReader(try InputFile(path, again: "a trace"), longest: Self.longestLine)
    while let bytes = try lines.next() {
      if Self.isBlank(bytes) { continue }
      func error(_ place: JSONNode?, _ message: String) -> DatasetError {
        DatasetError(path, line: lines.line, column: (place?.range.lowerBound ?? 0) + 1, message)
      }
      let object: JSONNode
      do {
        object = try JSONNode(bytes)
      } catch let syntax {
        throw error(nil, "the line is not a JSON object (\(syntax.text)). Is the file cut off?")
      }
      guard object.members != nil else {
        throw error(object, "the line is not a JSON object. A request is one.")
      }
      func shown(_ node: JSONNode) -> String {
        let text = bytes[
          (bytes.startIndex + node.range.lowerBound)..<(bytes.startIndex + node.range.upperBound)]
        return String(decoding: text.prefix(40), as: UTF8.self).shown
      }
      func whole(_ key: String, _ range: ClosedRange<Int64>, _ unit: String) throws -> Int64 {
        guard let node = object[key] else {
          throw error(nil, "\(key) is missing. A request has \(unit) there.")
        }
        guard case .number(let text) = node.value, let number = NumberText.whole(text), range.contains(number)
        else {
          throw error(
            node,
            "\(key) \(shown(node)) is not a whole number of \(unit) in \(range.lowerBound)…\(range.upperBound). Correct it, or leave the request out."
          )
        }
        return number
      }
      let tokens = 0...Int64(Limits.tokens)
      let at = try whole("timestamp", 0...Timestamp.supported.upperBound.microseconds / 1000, "milliseconds")
      let input = try whole("input_length", tokens, "tokens")
      let output = try whole("output_length", tokens, "tokens")
      guard let blocks = object["hash_ids"], let list = blocks.elements else {
        throw error(
          object["hash_ids"],
          "hash_ids is \(object["hash_ids"] == nil ? "missing" : "no list"). Write the blocks of the prompt, [] if none is known."
        )
      }
      guard Int64(list.count) <= (input + Self.blockTokens - 1) / Self.blockTokens else {
        throw error(
          blocks,
          "hash_ids lists \(list.count) blocks of \(Self.blockTokens) tokens, but the prompt has \(input) tokens. Correct one of them."
        )
      }
      var leaf = PrefixTree.none
      for (place, block) in list.enumerated() {
        guard case .number(let text) = block.value, let name = NumberText.whole(text) else {
          throw error(
            block,
            "block \(shown(block)) of hash_ids is not a whole number in −2⁶³…2⁶³ − 1. Number equal blocks alike."
          )
        }
        let end = Int32(min(Int64(place + 1) * Self.blockTokens, input))
        leaf = try node(name, after: leaf, end: end) { error(block, $0) }
      }
      requests.append(
        .init(
          arrivedAt: Timestamp(microseconds: at * 1000), inputTokens: Int32(input),
          outputTokens: Int32(output),
          prefix: leaf))
      try TraceFile.check(requests.count, path)
    }
  }

  private mutating func node(
    _ name: Int64, after parent: Int32, end: Int32, error: (String) -> DatasetError
  ) throws -> Int32 {
    if let known = nodes[name] {
      guard prefixes.parents[Int(known)] == parent else {
        throw error(
          "block \(name) follows another block here than earlier in the trace. A block stands for all tokens up to its end, so the blocks before it are always the same. Number it otherwise, or correct the blocks before it."
        )
      }
      guard prefixes.ends[Int(known)] == end else {
        throw error(
          "block \(name) ends after \(end) tokens here and after \(prefixes.ends[Int(known)]) earlier in the trace. Equal blocks are of equal tokens: number one of them otherwise, or correct input_length."
        )
      }
      return known
    }
    guard prefixes.count < PrefixTree.most else {
      throw error("the trace has more than \(PrefixTree.most) different blocks. Split it.")
    }
    let new = prefixes.append(parent: parent, end: end)
    nodes[name] = new
    return new
  }
}
