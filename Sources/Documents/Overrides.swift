import Foundation
import Telemetry

extension DocumentNode {
  /// Applies `PATH=VALUE`: keys separated by dots, a list's element by its number or by its name or version
  /// (`models.support-mistral.deployments.V1.scaling.maxReplicas=6`); the value is YAML. A dot in a name is
  /// written `\.`, and `*` means every element of a list. `PATH+=VALUE` appends to a list. The last key may be new.
  /// `PATH*=NUMBER` multiplies a number, with or without a unit, or each of a list of them.
  package mutating func apply(_ override: String) throws {
    func fail(_ message: String) -> DocumentErrors {
      DocumentErrors(path: "", diagnostics: [Diagnostic(location: .override(override), message: message)])
    }
    // By code points: "=" before a combining mark is no "=" to a String.
    let scalars = override.unicodeScalars
    guard let equals = scalars.firstIndex(of: "="), equals > override.startIndex else {
      throw fail(
        "not of the form PATH=VALUE. Write for instance models.0.load.arrivals.poisson.rate=5/s.")
    }
    let appends = scalars[..<equals].last == "+"
    // A path may end with * for every element.
    let multiplies =
      scalars[..<equals].last == "*" && ![nil, "."].contains(scalars[..<equals].dropLast().last)
    let path = Self.steps(scalars[..<equals].dropLast(appends || multiplies ? 1 : 0))
    let value = try Document.parseValue(
      String(scalars[scalars.index(after: equals)...]), override: override)
    do {
      if multiplies {
        guard let factor = value.scalar.flatMap({ Quantity.number($0) }) else {
          throw OverrideProblem(text: "*= multiplies by a number, not by \(value.kindName). Write *=1.5.")
        }
        try change(path[...]) { try $0?.multiplied(by: factor, override) }
      } else {
        try set(path[...], to: value, override: override, appends: appends)
      }
    } catch let problem as OverrideProblem {
      throw fail(problem.text)
    }
  }

  private static func steps(_ path: Substring.UnicodeScalarView) -> [String] {
    var steps = [String.UnicodeScalarView()]
    var isEscaped = false
    for character in path {
      if isEscaped {
        steps[steps.count - 1].append(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "." {
        steps.append(.init())
      } else {
        steps[steps.count - 1].append(character)
      }
    }
    return steps.map { String($0) }
  }

  private struct OverrideProblem: Error { let text: String }

  private mutating func set(
    _ path: ArraySlice<String>, to value: DocumentNode, override: String, appends: Bool
  ) throws {
    try change(path) { node in
      guard appends else { return value }
      guard let node else {
        return DocumentNode(value: .sequence([value]), location: .override(override))
      }
      guard let elements = node.elements else {
        throw OverrideProblem(
          text: "+= appends to a list, but this is \(node.kindName). Write = to replace it.")
      }
      return DocumentNode(value: .sequence(elements + [value]), location: node.location)
    }
  }

  /// A number times a factor, its unit kept; of a list, all of them.
  private func multiplied(by factor: Double, _ override: String) throws -> DocumentNode {
    let noNumber = OverrideProblem(
      text: "*= multiplies a number, but this is \(kindName). Write = to replace it.")
    var product = self
    product.location = .override(override)
    switch value {
    case .sequence(let elements) where !elements.isEmpty:
      product.value = .sequence(try elements.map { try $0.multiplied(by: factor, override) })
    case .scalar(let text, let isPlain):
      let digits = text.prefix { $0.isNumber || "+-.eE".contains($0) }
      guard let number = Quantity.number(digits) else { throw noNumber }
      // What sums of binary fractions add in the last digit is not shown: 0.1 × 3 is 0.3.
      let shown = Double(String(format: "%.15g", number * factor)) ?? number * factor
      product.value = .scalar(plain(shown) + text.dropFirst(digits.count), isPlain: isPlain)
    default: throw noNumber
    }
    return product
  }

  /// Changes what a path leads to.
  /// - Parameter make: is given `nil` where the last key is new, and then gives `nil` if that must not be.
  private mutating func change(
    _ path: ArraySlice<String>, _ make: (DocumentNode?) throws -> DocumentNode?
  ) throws {
    guard let step = path.first else {
      if let made = try make(self) { self = made }
      return
    }
    switch self.value {
    case .scalar where isNull, .scalar where path.count == 1 && step.isEmpty:
      var fresh = DocumentNode(value: .mapping([]), location: location)
      try fresh.change(path, make)
      self = fresh
    case .scalar(let text, _):
      throw OverrideProblem(
        text:
          "the path continues with \(quoted(step)), but the value there is \(quoted(text)). Shorten the path."
      )
    case .mapping(var entries):
      if let index = entries.firstIndex(where: { Name.same($0.key, step) }) {
        try entries[index].value.change(path.dropFirst(), make)
      } else if path.count == 1, let made = try make(nil) {
        entries.append(.init(key: step, keyLocation: made.location, value: made))
      } else {
        let hint =
          nearest(step, among: entries.map(\.key)).map { " Did you mean \($0)?" }
          ?? " There are: \(entries.prefix(12).map(\.key).joined(separator: ", "))."
        throw OverrideProblem(text: "there is no \(quoted(step)).\(hint)")
      }
      self.value = .mapping(entries)
    case .sequence(var elements) where step == "*":
      if elements.isEmpty { throw OverrideProblem(text: "the list is empty, so * matches nothing.") }
      for index in elements.indices { try elements[index].change(path.dropFirst(), make) }
      self.value = .sequence(elements)
    case .sequence(var elements):
      let index = try Self.index(of: step, in: elements)
      try elements[index].change(path.dropFirst(), make)
      self.value = .sequence(elements)
    }
  }

  /// The place of the element that a step of a path means: by its name or version, or else by its number.
  private static func index(of step: String, in elements: [DocumentNode]) throws -> Int {
    let named = elements.indices.filter { elements[$0].isNamed(step) }
    if named.count > 1 {
      throw OverrideProblem(
        text:
          "\(named.count) elements of the list are named \(quoted(step)). Say which by its number: \(named.prefix(12).map(String.init).joined(separator: ", "))."
      )
    }
    if let only = named.first { return only }
    let isNumber = step.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    if isNumber, let index = Int(step), elements.indices.contains(index) { return index }
    let help =
      elements.isEmpty
      ? "It is empty; += appends to it." : "Name one, or give a number from 0 to \(elements.count - 1)."
    throw OverrideProblem(text: "the list has no element \(quoted(step)). \(help)")
  }

  private func isNamed(_ name: String) -> Bool {
    entries?.contains {
      ($0.key == "name" || $0.key == "version") && $0.value.scalar.map { Name.same($0, name) } == true
    } ?? false
  }

  /// The document with its overrides, as YAML. Comments are lost; the overrides are noted at the top.
  /// - Parameter notes: further comments, a line each.
  package func yamlText(overrides: [String], notes: [String] = []) -> String {
    overrides.map { "\(Overrides.note)\($0.shown)\n" }.joined() + notes.map { "# \($0.shown)\n" }.joined()
      + YAMLWriter.text(of: self)
  }
}

/// Overrides as a document that was changed by them notes them.
package enum Overrides {
  fileprivate static let note = "# --set "

  /// A key or a name as one step of a path, where a point and a backslash have a meaning.
  package static func step(_ name: String) -> String {
    var step = String.UnicodeScalarView()
    for scalar in name.unicodeScalars {
      if scalar == "\\" || scalar == "." { step.append("\\") }
      step.append(scalar)
    }
    return String(step)
  }

  /// Those noted at the top of a text, hidden characters shown.
  package static func noted(in text: String) -> [String] {
    var found: [String] = []
    for line in text.utf8.split(separator: 10, omittingEmptySubsequences: false) {
      guard line.starts(with: note.utf8) else { break }
      found.append(String(decoding: line.dropFirst(note.utf8.count), as: UTF8.self))
    }
    return found
  }
}
