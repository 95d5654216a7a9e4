import CJansson
import Foundation
import Telemetry

/// Compares two JSON documents: structure first, then figures.
struct DocumentComparison {
  private let findings: ComparisonFindings
  private var path = ComparisonPath()

  init(_ findings: ComparisonFindings) { self.findings = findings }

  mutating func compare(_ expected: JSONValue, _ actual: JSONValue) {
    compare(expected, actual, findings.matcher.start)
  }

  private mutating func compare(_ expected: JSONValue, _ actual: JSONValue, _ state: Int) {
    let decision = findings.decision(state)
    if decision.test == .ignored { return }
    if expected.isObject, actual.isObject {
      compareMembers(expected, actual, state)
    } else if expected.isArray, actual.isArray {
      compareElements(expected, actual, state)
    } else {
      compareFigures(expected, actual, decision)
    }
  }

  private mutating func compareFigures(
    _ expected: JSONValue, _ actual: JSONValue, _ decision: ComparisonFindings.Decision
  ) {
    findings.figures += 1
    if let a = expected.number, let b = actual.number {
      if decision.isStatistical {
        findings.sample(decision, path.generic, findings.look(path), expected: a, actual: b)
      } else {
        findings.number(
          a, b, isSame: expected.isSame(as: actual), decision, path: path.rendered, look: findings.look(path))
      }
      return
    }
    if expected.isSame(as: actual) { return }
    if decision.isOptional, expected.isNull || actual.isNull { return }
    var allowed = findings.allowed(decision)
    if let a = expected.text, let b = actual.text, let first = findings.instants.parse(a),
      first == findings.instants.parse(b)
    {
      if findings.tolerances.comparesInstants { return }
      allowed = "the same instant, written differently (moments: instants allows it)"
    }
    let isOtherType =
      expected.type != actual.type && !expected.isNull && !actual.isNull
      && !(expected.isNumber && actual.isNumber)
    findings.add(
      Difference(
        document: findings.document, path: path.rendered, kind: isOtherType ? .type : .value,
        expected: expected.shown, actual: actual.shown, relative: 1, allowed: allowed,
        look: findings.look(path)))
  }

  private mutating func compareMembers(_ expected: JSONValue, _ actual: JSONValue, _ state: Int) {
    expected.forEachMember { name, value in
      if name.pointee == 1 { return }
      let next = findings.matcher.step(state, name: name)
      path.push(.name(name))
      if let other = json_object_get(actual.raw, name) {
        compare(value, JSONValue(other), next)
      } else {
        alone(value, next, .missing)
      }
      path.pop()
    }
    actual.forEachMember { name, value in
      if name.pointee == 1 || json_object_get(expected.raw, name) != nil { return }
      path.push(.name(name))
      alone(value, findings.matcher.step(state, name: name), .extra)
      path.pop()
    }
  }

  /// Something that only one side has.
  private mutating func alone(_ value: JSONValue, _ state: Int, _ kind: Difference.Kind) {
    let decision = findings.decision(state)
    if decision.test == .ignored || decision.isOptional { return }
    if sampled(value, state, kind) { return }
    findings.structural(
      kind, path, expected: kind == .missing ? value.shown : nil, actual: kind == .extra ? value.shown : nil)
  }

  /// Adds what a statistical rule needs of a value that has no counterpart; `false` if there is no such rule below.
  private mutating func sampled(_ value: JSONValue, _ state: Int, _ kind: Difference.Kind) -> Bool {
    let decision = findings.decision(state)
    if value.isObject {
      var found = false
      value.forEachMember { name, member in
        if name.pointee == 1 { return }
        path.push(.name(name))
        if sampled(member, findings.matcher.step(state, name: name), kind) { found = true }
        path.pop()
      }
      return found
    }
    if value.isArray {
      var found = false
      for index in 0..<value.count {
        let key = ElementKey(value: nil, ordinal: index)
        path.push(.element(key))
        if sampled(value[index], findings.matcher.step(state, element: key.rendered), kind) { found = true }
        path.pop()
      }
      return found
    }
    guard decision.isStatistical, let number = value.number else { return false }
    findings.figures += 1
    findings.sample(
      decision, path.generic, findings.look(path), expected: kind == .missing ? number : nil,
      actual: kind == .extra ? number : nil)
    return true
  }

  // MARK: Lists

  private mutating func compareElements(_ expected: JSONValue, _ actual: JSONValue, _ state: Int) {
    guard ElementKey.isKeyed(expected) || ElementKey.isKeyed(actual) else {
      for index in 0..<max(expected.count, actual.count) {
        let key = ElementKey(value: nil, ordinal: index)
        let next = findings.matcher.step(state, element: key.rendered)
        path.push(.element(key))
        if index >= actual.count {
          alone(expected[index], next, .missing)
        } else if index >= expected.count {
          alone(actual[index], next, .extra)
        } else {
          compare(expected[index], actual[index], next)
        }
        path.pop()
      }
      return
    }
    // In step while both have the same elements, as they mostly do.
    var index = 0
    var ordinal = 0
    let common = min(expected.count, actual.count)
    while index < common, Self.standForTheSame(expected[index], actual[index]) {
      ordinal =
        index > 0 && Self.standForTheSame(expected[index - 1], expected[index]) ? ordinal + 1 : 0
      visit(expected[index], actual[index], ordinal, state)
      index += 1
    }
    if index < expected.count || index < actual.count { match(expected, actual, from: index, state) }
  }

  private mutating func visit(_ expected: JSONValue, _ actual: JSONValue, _ ordinal: Int, _ state: Int) {
    let key = ElementKey(value: expected, ordinal: ordinal)
    path.push(.element(key))
    compare(expected, actual, findings.matcher.step(state, element: key.rendered))
    path.pop()
  }

  private static func standForTheSame(_ a: JSONValue, _ b: JSONValue) -> Bool {
    func same(_ name: String) -> Bool {
      switch (json_object_get(a.raw, name), json_object_get(b.raw, name)) {
      case (let x?, let y?): JSONValue(x).isSame(as: JSONValue(y))
      case (nil, nil): true
      default: false
      }
    }
    guard a.isObject, b.isObject else { return false }
    return same("at") && same("version") && same("modelId") && same(ElementKey.member)
  }

  /// Elements by what they stand for, where the lists have gone out of step.
  private mutating func match(_ expected: JSONValue, _ actual: JSONValue, from start: Int, _ state: Int) {
    struct Identity: Hashable {
      var text: String
      var ordinal: Int
    }
    func identities(_ list: JSONValue, _ instants: inout TimestampParser) -> [Identity] {
      var seen: [String: Int] = [:]
      let all = (0..<list.count).map { index in
        let text = ElementKey.identity(list[index], instants: &instants)
        defer { seen[text, default: 0] += 1 }
        return Identity(text: text, ordinal: seen[text] ?? 0)
      }
      return Array(all.dropFirst(start))
    }
    let first = identities(expected, &findings.instants)
    let second = identities(actual, &findings.instants)
    let places = Dictionary(zip(second, second.indices), uniquingKeysWith: { first, _ in first })
    var last = -1
    var isInOrder = true
    var isMatched = [Bool](repeating: false, count: second.count)
    for (offset, identity) in first.enumerated() {
      let element = expected[start + offset]
      if let place = places[identity] {
        isMatched[place] = true
        if place < last { isInOrder = false }
        last = place
        visit(element, actual[start + place], identity.ordinal, state)
      } else {
        single(element, identity.ordinal, state, .missing)
      }
    }
    for (offset, identity) in second.enumerated() where !isMatched[offset] {
      single(actual[start + offset], identity.ordinal, state, .extra)
    }
    if !isInOrder { findings.structural(.order, path, expected: "in order", actual: "in another order") }
  }

  private mutating func single(_ element: JSONValue, _ ordinal: Int, _ state: Int, _ kind: Difference.Kind) {
    let key = ElementKey(value: element, ordinal: ordinal)
    path.push(.element(key))
    alone(element, findings.matcher.step(state, element: key.rendered), kind)
    path.pop()
  }
}
