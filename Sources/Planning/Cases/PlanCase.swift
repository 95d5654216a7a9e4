import Documents
import Foundation
import Telemetry

/// Something that may happen, whatever is decided: a case of a plan.
package struct PlanCase: Codable, Equatable, Sendable {
  package var name: String
  /// A share of what may happen, in (0, 1]; `nil`: all cases weigh the same.
  package var weight: Double?
  /// `PATH=VALUE` each, applied after those of the decision; none: the scenario as it is.
  package var set: [String]

  package init(name: String, weight: Double? = nil, set: [String]) {
    (self.name, self.weight, self.set) = (name, weight, set)
  }

  /// As it is written.
  package var text: String {
    let share = weight.map { "@\(Factor.text($0 * 100, "%"))" } ?? ""
    return name + share + (set.isEmpty ? "" : ": \(set.joined(separator: ", "))")
  }

  private static let form = "NAME[@SHARE][:PATH=VALUE[,PATH=VALUE]]"

  /// `launch: load.scale=2`, `launch@20%: load.scale=2, …`, or a name alone for the scenario as it is.
  /// - Throws: `PlanProblem`.
  package init(_ text: String) throws {
    let scalars = text.unicodeScalars
    // A value may have colons; a name has none.
    let colon = scalars.firstIndex(of: ":") ?? scalars.endIndex
    var name = String(scalars[..<colon]).trimmed
    if let at = name.unicodeScalars.lastIndex(of: "@") {
      let share = String(name.unicodeScalars[name.unicodeScalars.index(after: at)...])
      guard let weight = NumberText.share(share.trimmed) else {
        throw PlanProblem(
          .cases, "\"\(text)\" is not of the form \(Self.form), such as launch@20%: load.scale=2.")
      }
      self.weight = weight
      name = String(name.unicodeScalars[..<at]).trimmed
    }
    let changes =
      colon == scalars.endIndex ? [] : Factor.split(String(scalars[scalars.index(after: colon)...]))
    // Without a colon, what was forgotten is the name.
    guard !name.isEmpty, !name.utf8.contains(UInt8(ascii: "=")),
      changes.allSatisfy({ ($0.unicodeScalars.firstIndex(of: "=") ?? $0.startIndex) > $0.startIndex })
    else {
      throw PlanProblem(.cases, "\"\(text)\" is not of the form \(Self.form), such as launch: load.scale=2.")
    }
    self.name = name
    set = changes
  }
}

/// A case as the plan takes it.
package struct WeighedCase: Codable, Equatable, Sendable {
  package var name: String
  /// All together: 1.
  package var weight: Double
  package var overrides: [String]

  package init(name: String, weight: Double, overrides: [String]) {
    (self.name, self.weight, self.overrides) = (name, weight, overrides)
  }

  /// The scenario as it is, and nothing else.
  static let only = WeighedCase(name: "base", weight: 1, overrides: [])
}

extension Plan {
  /// What may happen, in full. Cases with weights are a distribution: they are all there is. Cases without are what may
  /// happen besides the scenario as it is, which comes first unless one of them changes nothing.
  /// - Throws: `PlanProblem`.
  package func weighedCases() throws -> [WeighedCase] {
    guard var cases, !cases.isEmpty else { return [.only] }
    func refused(_ why: String) -> PlanProblem { PlanProblem(.cases, why) }
    for (place, own) in cases.enumerated() where cases[..<place].contains(where: { $0.name == own.name }) {
      throw refused("two cases are called \"\(own.name)\". Rename one of them.")
    }
    let unchanged = cases.filter(\.set.isEmpty)
    if unchanged.count > 1 {
      throw refused(
        "\(unchanged[0].name) and \(unchanged[1].name) both change nothing. Give one of them PATH=VALUE, or leave it out."
      )
    }
    let weighed = cases.filter { $0.weight != nil }
    if weighed.isEmpty {
      if unchanged.isEmpty {
        guard !cases.contains(where: { $0.name == WeighedCase.only.name }) else {
          throw refused(
            "\(WeighedCase.only.name) is the scenario as it is, and a case of that name changes it. Rename it."
          )
        }
        cases.insert(.init(name: WeighedCase.only.name, set: []), at: 0)
      }
      let share = 1 / Double(cases.count)
      return cases.map { .init(name: $0.name, weight: share, overrides: $0.set) }
    }
    if let other = cases.first(where: { $0.weight == nil }) {
      throw refused(
        "\(other.name) has no weight, and \(weighed[0].name) has one. Give all cases a weight, or none of them."
      )
    }
    if let none = weighed.first(where: { ($0.weight ?? 0) <= 0 }) {
      throw refused("the weight of \(none.name) must be above 0. Give a share, or leave the case out.")
    }
    let sum = weighed.reduce(0) { $0 + ($1.weight ?? 0) }
    guard abs(sum - 1) <= 1e-3 else {
      let missing = sum < 1 && unchanged.isEmpty
      throw refused(
        "the weights of the cases sum to \(Factor.text((sum * 1e4).rounded() / 100, "%")), not to 100%. Change them\(missing ? ", or add a case without changes for the scenario as it is" : "")."
      )
    }
    return cases.map { .init(name: $0.name, weight: ($0.weight ?? 0) / sum, overrides: $0.set) }
  }
}

/// What an override changes: the steps of its path, and whether it only appends to a list.
struct ChangedPath: Equatable {
  var steps: [String]
  var appends: Bool

  init(_ override: String) {
    let scalars = override.unicodeScalars
    var path = scalars[..<(scalars.firstIndex(of: "=") ?? scalars.endIndex)]
    appends = path.last == "+"
    let multiplies = path.last == "*" && ![nil, "."].contains(path.dropLast().last)
    if appends || multiplies { path = path.dropLast() }
    steps = Overrides.steps(of: String(path).trimmed)
  }

  /// Whether both change the same value, or one changes what the other is a part of.
  func overlaps(_ other: ChangedPath) -> Bool {
    if appends, other.appends { return false }
    return zip(steps, other.steps).allSatisfy { a, b in a == "*" || b == "*" || a == b }
  }
}
