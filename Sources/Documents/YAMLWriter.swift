import Telemetry
import Yams

/// A document that is going to be written: what it says, and how it is laid out.
package indirect enum YAMLValue: Sendable, Equatable {
  package enum Layout: Sendable { case block, flow }

  package struct Entry: Sendable, Equatable {
    package var key: String
    package var value: YAMLValue

    package init(_ key: String, _ value: YAMLValue) {
      self.key = key
      self.value = value
    }
  }

  /// A name or any other text, whatever it contains: quoted, so that it is read as text.
  case text(String)
  /// A number, a quantity or a keyword, as the document's grammar spells it.
  case word(String)
  case list([YAMLValue], Layout)
  case mapping([Entry], Layout)

  package static func integer(_ value: some BinaryInteger) -> YAMLValue { .word(String(value)) }

  /// On one line: `{a: 1, b: 2}`.
  package static func flow(_ entries: [Entry]) -> YAMLValue { .mapping(entries, .flow) }

  /// On one line: `[1, 2]`.
  package static func flow(_ elements: [YAMLValue]) -> YAMLValue { .list(elements, .flow) }

  /// A line for each key.
  package static func block(_ entries: [Entry]) -> YAMLValue { .mapping(entries, .block) }

  /// A line with a dash for each element.
  package static func block(_ elements: [YAMLValue]) -> YAMLValue { .list(elements, .block) }
}

/// The one place where YAML is written. Yams lays it out; the rules for quoting are here: text in double quotes on one
/// line, with everything escaped that cannot be seen.
package enum YAMLWriter {
  /// A document.
  /// - Parameters:
  ///   - heading: comments before it, each of any number of lines.
  ///   - sections: its keys, in groups with an empty line between them. A group without keys is left out.
  package static func document(heading: [String] = [], sections: [[YAMLValue.Entry]]) -> String {
    let comments = heading.map { comment($0) + "\n" }.joined()
    let texts = sections.filter { !$0.isEmpty }.map { serialized(node(.block($0)).node) }
    return comments + texts.joined(separator: "\n")
  }

  /// A double-quoted scalar on one line, which any YAML reader gives back as the same code points.
  package static func quoted(_ text: String) -> String {
    String(serialized(quotedNode(text)).dropLast())
  }

  /// What was read, as a document again, without its comments.
  package static func text(of document: DocumentNode) -> String {
    // Where Yams breaks long texts it would break long keys as well, and those are read only on one line.
    serialized(node(document, .block), width: document.hasLongKey ? -1 : 0)
  }

  /// What was read, on one line.
  package static func line(_ value: DocumentNode) -> String {
    // A plain scalar by itself would get an end of document.
    if case .scalar(let text, isPlain: true) = value.value { return text }
    return String(serialized(node(value, .flow)).dropLast())
  }

  private static func node(_ document: DocumentNode, _ layout: YAMLValue.Layout) -> Node {
    switch document.value {
    case .scalar(let text, let isPlain):
      return isPlain && !text.unicodeScalars.contains(where: \.isHidden) ? plainNode(text) : quotedNode(text)
    case .sequence(let elements):
      return .sequence(
        .init(elements.map { node($0, layout) }, .implicit, layout == .flow ? .flow : .block))
    case .mapping(let entries):
      let pairs = entries.map { (keyNode($0.key), node($0.value, layout)) }
      return .mapping(.init(pairs, .implicit, layout == .flow ? .flow : .block))
    }
  }

  /// A comment, whatever the text: one line for each of its lines.
  package static func comment(_ text: String) -> String {
    text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map {
      "# \(String(Substring($0)).shown)"
    }.joined(separator: "\n")
  }

  /// - Parameter width: where long texts are broken, in columns; -1: nowhere.
  static func serialized(_ node: Node, width: Int = -1) -> String {
    let text: String
    do {
      text = try Yams.serialize(node: node, width: width, allowUnicode: true)
    } catch {
      preconditionFailure("a tree of valid texts that YAML cannot express: \(error)")
    }
    guard text.unicodeScalars.contains(where: { $0.isHidden && $0 != "\n" }) else { return text }
    // What Yams takes for visible though nobody sees it. It stands in double quotes: nothing hidden is written plain.
    var out = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar.isHidden, scalar != "\n" {
        out.append(contentsOf: escape(scalar).unicodeScalars)
      } else {
        out.append(scalar)
      }
    }
    return String(out)
  }

  private static func escape(_ scalar: Unicode.Scalar) -> String {
    let digits = String(scalar.value, radix: 16, uppercase: true)
    let (letter, width) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
    return "\\\(letter)\(String(repeating: "0", count: width - digits.utf8.count))\(digits)"
  }

  static func quotedNode(_ text: String) -> Node { Node(text, Tag(.str), .doubleQuoted) }

  static func plainNode(_ text: String) -> Node { Node(text, .implicit, .plain) }

  /// A key: as it is where it cannot be taken for anything else, otherwise quoted.
  static func keyNode(_ text: String) -> Node { isPlainKey(text) ? plainNode(text) : quotedNode(text) }

  private static let reserved: Set<String> = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]

  static func isPlainKey(_ text: String) -> Bool {
    func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }
    guard let first = text.utf8.first, isLetter(first), text.utf8.last != 0x20, !isLong(text) else {
      return false
    }
    return text.utf8.allSatisfy {
      isLetter($0) || (0x30...0x39).contains($0) || [0x20, 0x2d, 0x2e, 0x2f, 0x5f].contains($0)
    } && !reserved.contains(text.lowercased())
  }

  /// Whether Yams writes a key as a complex one, `? key`, which is possible in block layout only.
  /// Source: libyaml 0.2.5, `yaml_emitter_check_simple_key`.
  static func isLong(_ key: String) -> Bool {
    key.utf8.count > 128 || key.unicodeScalars.contains { lineBreaks.contains($0) }
  }

  private static let lineBreaks: Set<Unicode.Scalar> = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]

  /// - Returns: `isBlock` if it cannot stand in a flow collection.
  private static func node(_ value: YAMLValue) -> (node: Node, isBlock: Bool) {
    switch value {
    case .text(let text): return (quotedNode(text), false)
    case .word(let word): return (plainNode(word), false)
    case .list(let elements, let layout):
      let nodes = elements.map(node)
      let isBlock = nodes.contains(where: \.isBlock)
      let style: Node.Sequence.Style = layout == .flow && !isBlock ? .flow : .block
      return (.sequence(.init(nodes.map(\.node), .implicit, style)), isBlock)
    case .mapping(let entries, let layout):
      let nodes = entries.map { node($0.value) }
      let isBlock = nodes.contains(where: \.isBlock) || entries.contains { isLong($0.key) }
      let style: Node.Mapping.Style = layout == .flow && !isBlock ? .flow : .block
      let pairs = zip(entries, nodes).map { (keyNode($0.key), $1.node) }
      return (.mapping(.init(pairs, .implicit, style)), isBlock)
    }
  }
}

extension DocumentNode {
  fileprivate var hasLongKey: Bool {
    switch value {
    case .scalar: false
    case .sequence(let elements): elements.contains(where: \.hasLongKey)
    case .mapping(let entries): entries.contains { YAMLWriter.isLong($0.key) || $0.value.hasLongKey }
    }
  }
}
