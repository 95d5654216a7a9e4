import Documents
import Foundation
import Telemetry

/// A value of a scenario that an override may change.
package struct ScenarioParameter: Encodable, Equatable, Sendable {
  package enum Kind: String, Encodable, Sendable {
    case integer, number, duration, rate
    case instant = "moment"
    case choice
  }

  /// Where a slider may go, in the unit.
  package struct Suggestion: Encodable, Equatable, Sendable {
    package var from: Double
    package var to: Double
    package var step: Double
    /// What follows the number: `s`, `/s`; `nil` for plain numbers.
    package var unit: String?
  }

  /// As an override has it.
  package var path: String
  /// The same for people: names of accounts, models and versions, then keys.
  package var label: String
  package var about: String
  package var kind: Kind
  /// As written in the document, or its default.
  package var value: String
  package var `default`: String?
  package var minimum: Double?
  package var maximum: Double?
  package var choices: [String]?
  /// Whether it is given in the document.
  package var isSet: Bool
  package var suggested: Suggestion?
}

/// Every value of a scenario that an override may change, in the order of the document's shape.
package struct ScenarioParameters: Sendable {
  package private(set) var all: [ScenarioParameter] = []
  /// The values of texts that refer to other entries of the document, by their key.
  private var names: [String: [String]] = [:]

  /// - Parameter path: for messages.
  /// - Throws: `DocumentErrors` for what is no YAML, or an override that cannot be applied. Whether the scenario is
  ///   valid makes no difference.
  package init(_ text: Data, path: String, overrides: [String] = []) throws {
    var root = try Document.parse(text, path: path)
    for override in overrides { try root.apply(override) }
    let credits = [root.member("account")] + (root.member("accounts")?.elements ?? [])
    names["hardware"] = Set(
      Array(defaultPriceList.keys) + credits.flatMap { $0?.member("credits")?.entries?.map(\.key) ?? [] }
    ).sorted()
    names["profile"] = root.member("profiles")?.member("rates")?.entries?.map(\.key)
    addLoadOfAll(root)
    walk(root, .object { Grammar.scenario }, Place())
  }

  /// Those that have every word in path, label, meaning or value.
  package func search(_ text: String) -> [ScenarioParameter] {
    let words = text.lowercased().split(separator: " ")
    if words.isEmpty { return all }
    return all.filter { parameter in
      let text = "\(parameter.path) \(parameter.label) \(parameter.about) \(parameter.value)".lowercased()
      return words.allSatisfy { text.contains($0) }
    }
  }

  private struct Place {
    var steps: [String] = []
    /// Of list elements on the way.
    var names: [String] = []
    /// Since the last of them.
    var keys: [String] = []

    func key(_ key: String) -> Place {
      var place = self
      place.steps.append(Overrides.step(key))
      place.keys.append(key)
      return place
    }

    /// - Parameter name: by which the element can be found; `nil` for its number.
    func element(_ index: Int, name: String?) -> Place {
      var place = self
      place.names.append(name ?? "\(keys.joined(separator: ".")) \(index + 1)")
      place.keys = []
      place.steps.append(name.map(Overrides.step) ?? String(index))
      return place
    }

    var path: String { steps.joined(separator: ".") }
    var label: String {
      (names + (keys.isEmpty ? [] : [keys.joined(separator: ".")])).joined(separator: " · ")
    }
  }

  /// The demand of all models together, where all of them can be scaled.
  private mutating func addLoadOfAll(_ root: DocumentNode) {
    guard let models = root.member("models")?.elements, models.count > 1,
      let scale = Grammar.load.key("scale"), case .number(let range) = scale.kind
    else { return }
    let values = models.map { model -> String? in
      guard let load = model.member("load"), let arrivals = load.member("arrivals"),
        arrivals.member("trace") == nil
      else { return nil }
      return load.member("scale")?.scalar ?? "1"
    }
    guard let first = values[0], values.allSatisfy({ $0 == first }) else { return }
    all.append(
      ScenarioParameter(
        path: "models.*.load.scale", label: "all models · load.scale", about: scale.about, kind: .number,
        value: first, default: nil, minimum: range.lowerBound, maximum: range.upperBound, choices: nil,
        isSet: models.allSatisfy { $0.member("load")?.member("scale") != nil },
        suggested: Self.suggestion(.number, first, range)))
  }

  private mutating func walk(_ node: DocumentNode, _ kind: Kind, _ place: Place, _ key: Key? = nil) {
    switch kind {
    case .object(let shape):
      guard node.entries != nil else { return }
      for key in shape().keys {
        if let value = node.member(key.name), !value.isNull {
          walk(value, key.kind, place.key(key.name), key)
        } else if let text = key.defaultText {
          add(text, key.kind, place.key(key.name), key, isSet: false)
        }
      }
    case .list(let element):
      for (index, value) in (node.elements ?? []).enumerated() {
        walk(value, element, place.element(index, name: Self.name(of: index, in: node)), key)
      }
    case .map(_, let value):
      for entry in node.entries ?? [] { walk(entry.value, value, place.key(entry.key), key) }
    case .constant(_, let shape):
      if node.entries != nil {
        walk(node, .object(shape), place, key)
      } else if let text = node.scalar {
        add(text, kind, place, key, isSet: true)
      }
    case .either(let a, let b):
      let isScalar = node.scalar != nil
      for alternative in [a, b] where Self.isScalar(alternative) == isScalar {
        walk(node, alternative, place, key)
        return
      }
    case .text, .integer, .number, .duration, .rate, .instant, .choice:
      if let text = node.scalar { add(text, kind, place, key, isSet: true) }
    }
  }

  private static func isScalar(_ kind: Kind) -> Bool {
    switch kind {
    case .object, .list, .map: false
    default: true
    }
  }

  /// The name by which an override finds an element; `nil` where another would be found, or the name means something.
  private static func name(of index: Int, in list: DocumentNode) -> String? {
    func names(_ node: DocumentNode) -> [String] {
      ["name", "version"].compactMap { node.member($0)?.scalar }
    }
    guard let elements = list.elements, let name = names(elements[index]).first, name != "*",
      !name.unicodeScalars.contains("="), !name.isEmpty,
      elements.firstIndex(where: { names($0).contains(name) }) == index
    else { return nil }
    return name
  }

  private mutating func add(_ text: String, _ kind: Kind, _ place: Place, _ key: Key?, isSet: Bool) {
    // The version of the format is not a parameter of the scenario.
    if place.path == "workbench" { return }
    var parameter = ScenarioParameter(
      path: place.path, label: place.label, about: key?.about ?? "", kind: .number, value: text,
      default: key?.defaultText, minimum: nil, maximum: nil, choices: nil, isSet: isSet, suggested: nil)
    switch kind {
    case .integer(let range):
      parameter.kind = .integer
      parameter.minimum = Double(range.lowerBound)
      parameter.maximum = range.upperBound == .max ? nil : Double(range.upperBound)
      let limits = Double(range.lowerBound)...Double(range.upperBound)
      if range.upperBound != .max { parameter.suggested = Self.suggestion(.integer, text, limits) }
    case .number(let range):
      parameter.minimum = range.lowerBound
      parameter.maximum = range.upperBound
      parameter.suggested = Self.suggestion(.number, text, range)
    case .duration, .constant(.duration, _):
      parameter.kind = .duration
      parameter.suggested = Self.suggestion(.duration, text, 0...Double.greatestFiniteMagnitude)
    case .constant(.count, _):
      parameter.suggested = Self.suggestion(.number, text, -1e15...1e15)
    case .rate:
      parameter.kind = .rate
      parameter.suggested = Self.suggestion(.rate, text, 0...Double.greatestFiniteMagnitude)
    case .instant: parameter.kind = .instant
    case .choice(let choices):
      parameter.kind = .choice
      parameter.choices = choices
    case .text:
      guard let choices = key.flatMap({ names[$0.name] }), !choices.isEmpty else { return }
      parameter.kind = .choice
      parameter.choices = choices
    default: return
    }
    all.append(parameter)
  }

  /// A range around a value in which a slider is of use.
  private static func suggestion(
    _ kind: ScenarioParameter.Kind, _ text: String, _ range: ClosedRange<Double>
  ) -> ScenarioParameter.Suggestion? {
    let digits = text.prefix { $0.isNumber || "+-.eE_".contains($0) }
    // "3e" of "3 exabytes" does not come up: units begin with another letter.
    guard let value = Quantity.number(digits), value.isFinite else { return nil }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    var (low, high) = (0.0, 0.0)
    switch kind {
    case .integer:
      (low, high) = (max(range.lowerBound, min(value, 0)), max(2 * value, 8))
    case .number where range == 0...1:
      (low, high) = (0, value == 0 ? 0.1 : max(2 * value, 0.01))
    case .number:
      (low, high) = value < 0 ? (2 * value, 0) : (0, value == 0 ? 1 : 2 * value)
    case .duration: (low, high) = (0, value == 0 ? 60 : 3 * value)
    case .rate: (low, high) = (0, value == 0 ? 1 : 3 * value)
    case .instant, .choice: return nil
    }
    low = max(low, range.lowerBound)
    high = min(high, range.upperBound)
    guard low < high else { return nil }
    var step = roundStep((high - low) / 100)
    if kind == .integer { step = max(step, 1) }
    // A rate of 0 is not a rate.
    if kind == .rate || range.lowerBound > 0 { low = max(low, step) }
    return .init(from: low, to: high, step: step, unit: unit.isEmpty ? nil : String(unit))
  }

  /// The next 1, 2 or 5 times a power of ten below.
  private static func roundStep(_ step: Double) -> Double {
    let power = pow(10, log10(step).rounded(.down))
    let factor = step / power
    return (factor >= 5 ? 5 : factor >= 2 ? 2 : 1) * power
  }
}
