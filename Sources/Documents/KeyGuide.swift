/// Explains the keys of a document from the shapes that read it: what a key means, what may be written there, and what
/// there is below it.
package struct KeyGuide: Sendable {
  /// A key in short, as one of several.
  package struct Entry: Encodable, Sendable {
    package var name: String
    package var type: String
    package var isRequired: Bool
    package var defaultValue: String?
    package var meaning: String

    private enum CodingKeys: String, CodingKey {
      case name, type
      case isRequired = "required"
      case defaultValue = "default"
      case meaning
    }
  }

  /// Everything about one key, or about the whole document.
  package struct Explanation: Encodable, Sendable {
    /// From the document's root: keys, and `*` for each element of a list or of a mapping with any keys. Empty of the
    /// document itself.
    package var path: String
    package var meaning: String
    package var type: String
    package var isRequired: Bool
    package var defaultValue: String?
    /// What a number may be, both ends included.
    package var minimum: String?
    package var maximum: String?
    /// How units are written.
    package var unit: String?
    package var choices: [String]?
    /// As YAML, of one line.
    package var example: String?
    /// Whether just one of the keys is given.
    package var isChoice: Bool
    package var keys: [Entry]
    /// Other places whose path ends in the same keys.
    package var others: [String]

    private enum CodingKeys: String, CodingKey {
      case path, meaning, type
      case isRequired = "required"
      case defaultValue = "default"
      case minimum, maximum, unit, choices, example
      case isChoice = "oneOf"
      case keys, others
    }
  }

  /// A path that leads nowhere, in a sentence that says where else it may lead.
  package struct UnknownPath: Error, CustomStringConvertible {
    package let description: String
  }

  private struct Place {
    var path: [String]
    var shape: Shape
    var key: Key
  }

  private let root: Shape
  /// Every key of every shape, at the shortest path to it.
  private let places: [Place]
  private let samples: [String: String]

  /// - Parameters:
  ///   - root: the shape of the document.
  ///   - samples: values for examples, by SHAPE.KEY, or by KEY where it is a text or a list of texts.
  package init(_ root: Shape, samples: [String: String]) {
    self.root = root
    self.samples = samples
    var places: [Place] = []
    var seen: Set<String> = [root.name]
    var queue: [(path: [String], shape: Shape)] = [([], root)]
    var next = 0
    while next < queue.count {
      let (path, shape) = queue[next]
      next += 1
      for key in shape.keys {
        places.append(Place(path: path + [key.name], shape: shape, key: key))
        for (below, inner) in key.kind.shapes where seen.insert(inner.name).inserted {
          queue.append((path + [key.name] + below, inner))
        }
      }
    }
    self.places = places
  }

  /// Paths of all keys, each at its shortest.
  package var paths: [String] { places.map { Self.written($0.path) } }

  /// - Parameter path: keys separated by dots, as overrides have them; levels may be left out, and so may elements of lists.
  ///   Empty for the document itself.
  /// - Throws: `UnknownPath`.
  package func explanation(of path: String) throws -> Explanation {
    let steps = Overrides.steps(of: path)
    if steps.isEmpty || steps == [""] { return explanation() }
    if let exact = walk(steps) { return explanation(exact, others: []) }
    // A part of a path: the shortest path that has its keys in this order, and ends with them.
    let wanted = steps.filter { $0 != "*" && Int($0) == nil }
    let found = places.filter { Self.contains($0.path, wanted) }.sorted { $0.path.count < $1.path.count }
    if let first = found.first {
      return explanation(first, others: found.dropFirst().map { Self.written($0.path) })
    }
    throw UnknownPath(description: problem(wanted.isEmpty ? steps : wanted))
  }

  /// Of a path that begins at the root, and leaves out at most elements of lists.
  private func walk(_ steps: [String]) -> Place? {
    var path: [String] = []
    var shapes: [(below: [String], shape: Shape)] = [([], root)]
    var last: (shape: Shape, key: Key)?
    var isAtElement = false
    for (index, step) in steps.enumerated() {
      if let inner = shapes.first(where: { $0.shape.key(step) != nil }), let key = inner.shape.key(step) {
        path += inner.below + [step]
        last = (inner.shape, key)
        shapes = key.kind.shapes
        isAtElement = false
        continue
      }
      // An element, by its number or name, stands for all of them; so does a key of a mapping with any keys. A name at
      // the end is more probably a key that is misspelt.
      guard let last, last.key.kind.hasElements, !isAtElement,
        index + 1 < steps.count || step == "*" || Int(step) != nil
      else { return nil }
      isAtElement = true
    }
    return last.map { Place(path: path, shape: $0.shape, key: $0.key) }
  }

  private static func contains(_ path: [String], _ wanted: [String]) -> Bool {
    guard let end = wanted.last, path.last == end else { return false }
    var rest = wanted[...]
    for step in path where step == rest.first { rest = rest.dropFirst() }
    return rest.isEmpty
  }

  private static func written(_ path: [String]) -> String { path.joined(separator: ".") }

  private func problem(_ steps: [String]) -> String {
    let known = Set(places.map(\.key.name))
    let unknown = steps.indices.filter { !known.contains(steps[$0]) }
    guard let last = unknown.last else {
      let end = steps.last ?? ""
      let hint = places.first { $0.key.name == end }.map { " Did you mean \(Self.written($0.path))?" } ?? ""
      return "no path of a scenario has the keys \(steps.joined(separator: ", ")) in this order.\(hint)"
    }
    // Names of models and the like are unknown too: the one that is near to a key is meant.
    for index in unknown.reversed() {
      let before = steps[..<index].filter(known.contains)
      let below = places.filter { Self.holds($0.path, before) }
      let near =
        nearest(steps[index], among: Set(below.map(\.key.name)).sorted())
        ?? nearest(steps[index], among: known.sorted())
      if let place = near.flatMap({ name in (below + places).first { $0.key.name == name } }) {
        return
          "there is no key \(quoted(steps[index])) in a scenario. Did you mean \(Self.written(place.path))?"
      }
    }
    return
      "there is no key \(quoted(steps[last])) in a scenario. Known at the top: \(root.keys.map(\.name).joined(separator: ", "))."
  }

  private static func holds(_ path: [String], _ steps: [String]) -> Bool {
    var rest = steps[...]
    for step in path where step == rest.first { rest = rest.dropFirst() }
    return rest.isEmpty
  }

  private func explanation() -> Explanation {
    Explanation(
      path: "", meaning: root.about, type: "mapping", isRequired: true, isChoice: root.isChoice,
      keys: root.keys.map(entry), others: [])
  }

  private func entry(_ key: Key) -> Entry {
    Entry(
      name: key.name, type: key.kind.words, isRequired: key.isRequired, defaultValue: key.defaultText,
      meaning: key.about)
  }

  private func explanation(_ place: Place, others: [String]) -> Explanation {
    let key = place.key
    let limits = key.kind.limits
    let inner = key.kind.shapes.first?.shape
    return Explanation(
      path: Self.written(place.path), meaning: key.about, type: key.kind.words, isRequired: key.isRequired,
      defaultValue: key.defaultText, minimum: limits?.least, maximum: limits?.most, unit: key.kind.unit,
      choices: key.kind.choices, example: "\(key.name): \(example(key, of: place.shape, depth: 0))",
      isChoice: inner?.isChoice ?? false, keys: inner?.keys.map(entry) ?? [], others: others)
  }

  // MARK: Examples

  private func example(_ key: Key, of shape: Shape, depth: Int) -> String {
    key.defaultText ?? samples["\(shape.name).\(key.name)"] ?? (key.kind.isText ? samples[key.name] : nil)
      ?? example(key.kind, depth: depth)
  }

  private func example(_ kind: Kind, depth: Int) -> String {
    switch kind {
    case .text: return "…"
    case .integer(let range): return "\(range.contains(4) ? 4 : range.lowerBound)"
    case .number(let range):
      let nice = [0.5, 1, 2, 100].first { range.contains($0) && ($0 != range.upperBound || $0 == 1) }
      return (nice ?? range.lowerBound).short
    case .duration: return "10min"
    case .rate: return "2.5/s"
    case .instant: return "2026-01-05T09:00"
    case .choice(let choices): return choices.first ?? ""
    case .constant(let dimension, _): return dimension == .duration ? "250ms" : "500"
    case .either(let a, _): return example(a, depth: depth)
    case .list(let element): return "[ \(example(element, depth: depth + 1)) ]"
    case .map(_, let value): return "{ NAME: \(example(value, depth: depth + 1)) }"
    case .object(let shape):
      guard depth < 4 else { return "{ … }" }
      let shape = shape()
      let shown = shape.keys.filter(\.isRequired)
      let keys = shown.isEmpty ? Array(shape.keys.prefix(1)) : shown
      return "{ "
        + keys.map { "\($0.name): \(example($0, of: shape, depth: depth + 1))" }.joined(separator: ", ")
        + " }"
    }
  }
}

extension Double {
  /// `0.5`, `1000`, `1e+09`.
  fileprivate var short: String {
    self == rounded() && abs(self) < 1e7 ? String(Int(self)) : String(self)
  }
}

extension Kind {
  /// Shapes whose keys may follow it, each with what stands for an element before them.
  fileprivate var shapes: [(below: [String], shape: Shape)] {
    switch self {
    case .text, .integer, .number, .duration, .rate, .instant, .choice: []
    case .object(let shape), .constant(_, or: let shape): [([], shape())]
    case .list(let element), .map(_, let element): element.shapes.map { (["*"] + $0.below, $0.shape) }
    case .either(let a, let b): a.shapes + b.shapes
    }
  }

  /// Texts, of which only their place says what they may be.
  fileprivate var isText: Bool {
    switch self {
    case .text: true
    case .list(let element): element.isText
    case .either(let a, _): a.isText
    default: false
    }
  }

  /// Whether single elements can be meant.
  fileprivate var hasElements: Bool {
    switch self {
    case .list, .map: true
    case .either(let a, let b): a.hasElements || b.hasElements
    default: false
    }
  }

  fileprivate var limits: (least: String, most: String?)? {
    switch self {
    case .integer(let range):
      (String(range.lowerBound), range.upperBound == .max ? nil : String(range.upperBound))
    case .number(let range): (range.lowerBound.short, range.upperBound.short)
    case .list(let element), .map(_, let element): element.limits
    case .either(let a, let b): a.limits ?? b.limits
    default: nil
    }
  }

  fileprivate var unit: String? {
    switch self {
    case .duration, .constant(.duration, _): Quantity.durationHelp
    case .rate: Quantity.rateHelp
    case .instant:
      "a date or a local time, with an offset if need be: 2026-01-05, 2026-01-05T09:00, 2026-01-05T09:00:00Z"
    case .list(let element), .map(_, let element): element.unit
    case .either(let a, let b): a.unit ?? b.unit
    default: nil
    }
  }

  fileprivate var choices: [String]? {
    switch self {
    case .choice(let choices): choices
    case .list(let element), .map(_, let element): element.choices
    case .either(let a, let b): a.choices ?? b.choices
    default: nil
    }
  }

  /// What may be written: `whole number`, `list of mappings`.
  fileprivate var words: String {
    switch self {
    case .text: "text"
    case .integer: "whole number"
    case .number: "number"
    case .duration: "duration"
    case .rate: "rate"
    case .instant: "instant"
    case .choice: "word"
    case .object(let shape): shape().isChoice ? "mapping with one key" : "mapping"
    case .list(let element): "list of \(element.plural)"
    case .map(let keys, let value):
      "mapping of \(keys == ".+" ? "names" : "keys (\(keys))") to \(value.plural)"
    case .constant(let dimension, _):
      dimension == .duration ? "duration, or a distribution" : "number, or a distribution"
    case .either(let a, let b): a.words == b.words ? a.words : "\(a.words), or \(b.words)"
    }
  }

  private var plural: String {
    switch self {
    case .text: "texts"
    case .object: "mappings"
    case .list, .map, .constant, .either: "values (\(words))"
    case .integer, .number, .duration, .rate, .instant, .choice: words + "s"
    }
  }
}
