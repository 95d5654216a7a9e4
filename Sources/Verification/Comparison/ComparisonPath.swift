import CJansson
import Foundation
import Telemetry

/// The location of a figure in a document. Rendered only when it is reported.
struct ComparisonPath {
  enum Step {
    case name(UnsafePointer<CChar>)
    case element(ElementKey)
    case text(String)
  }

  private(set) var steps: [Step] = []

  mutating func push(_ step: Step) { steps.append(step) }
  mutating func pop() { steps.removeLast() }

  /// `requests.points[2026-01-05T00:00:00Z].failures`
  var rendered: String {
    var text = ""
    for step in steps {
      switch step {
      case .name(let name): Self.append(String(cString: name), to: &text)
      case .text(let name): Self.append(name, to: &text)
      case .element(let key): text += "[\(key.rendered)]"
      }
    }
    return text
  }

  /// The same with every element's key replaced by a star: what a rule about all of them is written like.
  var generic: String {
    var text = ""
    for step in steps {
      switch step {
      case .name(let name): Self.append(String(cString: name), to: &text)
      case .text(let name): Self.append(name, to: &text)
      case .element: text += "[*]"
      }
    }
    return text
  }

  var hasElements: Bool {
    steps.contains { if case .element = $0 { true } else { false } }
  }

  private static func append(_ name: String, to text: inout String) {
    if !text.isEmpty { text += "." }
    // A dot or bracket inside a name is escaped, as in a pattern.
    for scalar in name.unicodeScalars {
      if ".[]*?\\".unicodeScalars.contains(scalar) { text.unicodeScalars.append("\\") }
      text.unicodeScalars.append(scalar)
    }
  }
}

/// What an element of a list is known by: its instant (and version and model), else its place.
struct ElementKey {
  /// The element, if it says itself what it is known by.
  var value: JSONValue?
  /// Its place in the list, or which of several alike it is.
  var ordinal: Int

  /// The member of tables' rows that carries their key.
  static let member = "\u{1}key"

  var rendered: String {
    guard let value else { return String(ordinal) }
    if let key = value[Self.member]?.text { return ordinal > 0 ? "\(key) #\(ordinal + 1)" : key }
    var parts = [value["at"]?.text ?? "?"]
    if let version = value["version"]?.text, !version.isEmpty { parts.append(version) }
    if let model = value["modelId"] { parts.append("model \(model.shown)") }
    if ordinal > 0 { parts.append("#\(ordinal + 1)") }
    return parts.joined(separator: " ")
  }

  /// Equal for elements that stand for the same.
  static func identity(_ value: JSONValue, instants: inout TimestampParser) -> String {
    if let key = value[member]?.text { return key }
    let at = value["at"]?.text ?? ""
    let instant = instants.parse(at).map { String($0.microseconds) } ?? at
    return "\(instant)\u{0}\(value["version"]?.text ?? "")\u{0}\(value["modelId"]?.shown ?? "")"
  }

  static func isKeyed(_ list: JSONValue) -> Bool {
    guard list.count > 0 else { return false }
    return list[0]["at"] != nil || list[0][member] != nil
  }
}

/// Which rules match a path: walked along with it, step by step, each set of places in the patterns a state.
struct RuleMatcher {
  private let rules: [Tolerances.Rule]
  /// Places: (rule, how many of its steps are done).
  private struct Place: Hashable {
    var rule: Int
    var done: Int
  }
  private var states: [[Place]] = []
  private var index: [[Place]: Int] = [:]
  private var byName: [Int: [String: Int]] = [:]
  private var byElement: [Int: Int] = [:]
  private var matched: [[Int]] = []
  private var hasLiteralElements: [Bool] = []
  let start: Int

  /// - Parameter rules: those that concern the document.
  init(_ rules: [Tolerances.Rule]) {
    self.rules = rules
    start = 0
    _ = state(Set(rules.indices.flatMap { Self.closed(Place(rule: $0, done: 0), rules) }))
  }

  /// A place, and those that `**` lets it stand at without a step.
  private static func closed(_ place: Place, _ rules: [Tolerances.Rule]) -> [Place] {
    let steps = rules[place.rule].steps
    var all = [place]
    var done = place.done
    while done < steps.count, steps[done] == .any {
      done += 1
      all.append(Place(rule: place.rule, done: done))
    }
    return all
  }

  private mutating func state(_ places: Set<Place>) -> Int {
    let sorted = places.sorted { ($0.rule, $0.done) < ($1.rule, $1.done) }
    if let known = index[sorted] { return known }
    states.append(sorted)
    index[sorted] = states.count - 1
    matched.append(sorted.filter { $0.done == rules[$0.rule].steps.count }.map(\.rule))
    hasLiteralElements.append(
      sorted.contains { place in
        let steps = rules[place.rule].steps
        if place.done < steps.count, case .element(let key) = steps[place.done] { return key != "*" }
        return false
      })
    return states.count - 1
  }

  private mutating func advance(_ from: Int, _ accepts: (Tolerances.Step) -> Bool) -> Int {
    var next: Set<Place> = []
    for place in states[from] {
      let steps = rules[place.rule].steps
      // A rule about a group is about all that is below it.
      guard place.done < steps.count else {
        next.insert(place)
        continue
      }
      if steps[place.done] == .any {
        next.formUnion(Self.closed(place, rules))
      } else if accepts(steps[place.done]) {
        next.formUnion(Self.closed(Place(rule: place.rule, done: place.done + 1), rules))
      }
    }
    return state(next)
  }

  mutating func step(_ from: Int, name: UnsafePointer<CChar>) -> Int {
    let text = String(cString: name)
    if let known = byName[from]?[text] { return known }
    let next = advance(from) {
      if case .name(let pattern) = $0 { fnmatch(pattern, name, 0) == 0 } else { false }
    }
    byName[from, default: [:]][text] = next
    return next
  }

  mutating func step(_ from: Int, element: @autoclosure () -> String) -> Int {
    if !hasLiteralElements[from] {
      if let known = byElement[from] { return known }
      let next = advance(from) { if case .element = $0 { true } else { false } }
      byElement[from] = next
      return next
    }
    let key = element()
    return advance(from) {
      if case .element(let pattern) = $0 { fnmatch(pattern, key, 0) == 0 } else { false }
    }
  }

  /// The rules that match here, in their order.
  func matches(_ state: Int) -> [Int] { matched[state] }
}
