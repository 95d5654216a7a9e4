import Sampling
import ScenarioModel
import Telemetry

/// Something of a scenario that a plan varies.
package struct Factor: Sendable {
  package enum Values: Sendable {
    case list([String])
    /// Numbers with a unit behind them, `5/s` to `10/s`.
    case range(from: Double, to: Double, step: Double?, unit: String)
  }

  /// One path, or several that get the same value, with & between them.
  package var path: String
  package var values: Values

  package struct InvalidFactor: Error, CustomStringConvertible {
    package let description: String

    /// - Parameter description: on one line, whatever the names in it hold.
    init(description: String) { self.description = description.shown }
  }

  /// `PATH=A..B[:STEP]` or `PATH=V1,V2,…`; `PATH*=…` multiplies; `PATH & PATH=…` changes both together.
  package init(_ text: String) throws {
    let scalars = text.unicodeScalars
    guard let equals = scalars.firstIndex(of: "="), equals > scalars.startIndex else {
      throw InvalidFactor(description: "\"\(text)\" is not of the form PATH=A..B[:STEP] or PATH=V1,V2,….")
    }
    try self.init(
      path: String(scalars[..<equals]), values: String(scalars[scalars.index(after: equals)...]))
  }

  package init(path: String, values text: String) throws {
    self.path = path
    guard Self.paths(path).allSatisfy({ !$0.isEmpty }) else {
      throw InvalidFactor(description: "\(path) has an empty path. Write PATH, or PATH & PATH.")
    }
    if let range = try Self.range(text) {
      values = range
      return
    }
    let list = Self.split(text)
    guard !list.isEmpty, list.allSatisfy({ !$0.isEmpty }) else {
      throw InvalidFactor(description: "\(path) has no values. Write A..B:STEP or V1,V2,….")
    }
    if Set(list).count < list.count {
      throw InvalidFactor(description: "\(path) has the value \(text) twice. Give each value once.")
    }
    values = .list(list)
  }

  private static func range(_ text: String) throws -> Values? {
    guard let dots = text.firstRange(of: "..") else { return nil }
    let rest = text[dots.upperBound...]
    let parts = rest.split(separator: ":", maxSplits: 1)
    guard let a = number(text[..<dots.lowerBound]), let end = parts.first, let b = number(end) else {
      return nil
    }
    let step = parts.count > 1 ? number(parts[1]) : nil
    if parts.count > 1, step == nil || step?.unit != b.unit {
      throw InvalidFactor(
        description: "the step of \(text) is not a number\(b.unit.isEmpty ? "" : " with the unit \(b.unit)")."
      )
    }
    let unit = a.unit.isEmpty ? b.unit : a.unit
    guard a.unit == b.unit || a.unit.isEmpty else {
      throw InvalidFactor(description: "\(text) mixes units. Give both ends in one unit.")
    }
    guard a.value < b.value else {
      throw InvalidFactor(description: "\(text) must rise: write the smaller end first.")
    }
    if let step, step.value <= 0 { throw InvalidFactor(description: "the step of \(text) must be above 0.") }
    return .range(from: a.value, to: b.value, step: step?.value, unit: unit)
  }

  /// A number and what follows it.
  private static func number(_ text: some StringProtocol) -> (value: Double, unit: String)? {
    let digits = text.prefix { $0.isNumber || "+-.eE".contains($0) }
    guard let value = NumberText.decimal(digits, allowsPlus: true) else { return nil }
    return (value, String(text.dropFirst(digits.count)))
  }

  /// At commas that are not inside brackets or quotes.
  static func split(_ text: String) -> [String] {
    var parts = [String.UnicodeScalarView()]
    var depth = 0
    var quote: Unicode.Scalar?
    for scalar in text.unicodeScalars {
      switch scalar {
      case _ where quote != nil: if scalar == quote { quote = nil }
      case "\"", "'": quote = scalar
      case "[", "{": depth += 1
      case "]", "}": depth -= 1
      case "," where depth == 0:
        parts.append(.init())
        continue
      default: break
      }
      parts[parts.count - 1].append(scalar)
    }
    return parts.map { String($0).trimmed }
  }

  static func text(_ value: Double, _ unit: String) -> String {
    let number =
      value == value.rounded() && abs(value) < 1e15
      ? String(Int64(value)) : String((value * 1e9).rounded() / 1e9)
    return number + unit
  }

  /// Every value of a full factorial design.
  /// - Throws: `InvalidFactor` for a range of fractions without a step.
  package func levels() throws -> [String] {
    switch values {
    case .list(let list): return list
    case .range(let from, let to, let step, let unit):
      let isWhole = from == from.rounded() && to == to.rounded() && unit.isEmpty
      guard let step = step ?? (isWhole ? 1 : nil) else {
        throw InvalidFactor(
          description:
            "\(path) has a range without a step. Write \(Self.text(from, unit))..\(Self.text(to, unit)):STEP, or ask for samples."
        )
      }
      let count = ((to - from) / step + 1e-9).rounded(.down) + 1
      guard count <= 10_000 else {
        throw InvalidFactor(description: "\(path) has \(Self.text(count, "")) values. Give a longer step.")
      }
      return (0..<Int(count)).map { Self.text(from + Double($0) * step, unit) }
    }
  }

  /// The value at a place in [0, 1): of a range by its length, of a list by its order.
  package func value(at place: Double) -> String {
    switch values {
    case .list(let list): return list[min(Int(place * Double(list.count)), list.count - 1)]
    case .range(let from, let to, let step, let unit):
      // Whole numbers stay whole; a step is kept.
      let unitStep = step ?? (from == from.rounded() && to == to.rounded() && unit.isEmpty ? 1 : nil)
      if let unitStep {
        let count = ((to - from) / unitStep + 1e-9).rounded(.down) + 1
        return Self.text(from + (place * count).rounded(.down) * unitStep, unit)
      }
      return Self.text(from + place * (to - from), unit)
    }
  }

  /// The ends, for a tornado.
  package var extremes: (low: String, high: String) { (value(at: 0), value(at: 1 - 1e-12)) }

  /// The paths that change together. An & in a name is written `\&`.
  static func paths(_ path: String) -> [String] {
    var paths = [String.UnicodeScalarView()]
    var isEscaped = false
    for scalar in path.unicodeScalars {
      if scalar == "&", !isEscaped {
        paths.append(.init())
        continue
      }
      if scalar == "&" { paths[paths.count - 1].removeLast() }
      paths[paths.count - 1].append(scalar)
      isEscaped = scalar == "\\" && !isEscaped
    }
    return paths.map { String($0).trimmed }
  }

  /// What sets a value: an override for each path.
  package func overrides(_ value: String, hasAccounts: Bool) -> [String] {
    Self.paths(path).map { Self.expanded("\($0)=\(value)", hasAccounts: hasAccounts) }
  }

  /// An override in which `load.scale` and the like mean every model.
  static func expanded(_ override: String, hasAccounts: Bool) -> String {
    guard override.utf8.starts(with: "load.".utf8) else { return override }
    return (hasAccounts ? "accounts.*.models.*." : "models.*.") + override
  }
}

package enum Design {
  /// Every combination of the factors' values, the last factor fastest.
  package static func factorial(_ levels: [[String]]) -> [[String]] {
    levels.reduce([[]]) { combinations, values in combinations.flatMap { head in values.map { head + [$0] } }
    }
  }

  /// A Latin hypercube: each factor's range in as many equal parts as there are samples, each part used once.
  /// Source: McKay, Beckman, Conover (1979), Technometrics 21.
  package static func latinHypercube(_ factors: [Factor], samples: Int, seed: UInt64) -> [[String]] {
    let arena = SamplingArena()
    let columns = factors.map { factor in
      let stream = arena.stream(StreamName(seed: seed, account: "", entity: factor.path, purpose: "design"))
      var order = Array(0..<samples)
      for index in stride(from: samples - 1, to: 0, by: -1) {
        order.swapAt(index, min(index, Int(stream.uniform() * Double(index + 1))))
      }
      return order.map { factor.value(at: (Double($0) + stream.uniform()) / Double(samples)) }
    }
    return withExtendedLifetime(arena) { (0..<samples).map { sample in columns.map { $0[sample] } } }
  }

  /// Points of the two independent matrices A and B of Saltelli's scheme, and of A with one column of B each.
  package static func saltelli(_ factors: [Factor], samples: Int, seed: UInt64) -> (
    a: [[String]], b: [[String]], mixed: [[[String]]]
  ) {
    let a = latinHypercube(factors, samples: samples, seed: seed)
    let b = latinHypercube(factors, samples: samples, seed: seed ^ 0x9e37_79b9_7f4a_7c15)
    let mixed = factors.indices.map { factor in
      zip(a, b).map { x, y in
        var point = x
        point[factor] = y[factor]
        return point
      }
    }
    return (a, b, mixed)
  }

  /// First-order Sobol indices, and their standard errors by the bootstrap. Source: Jansen (1999), as in Saltelli et
  /// al. (2010), Computer Physics Communications 181, table 2 (c): 1 − Σ (f(B) − f(A_B))² ⁄ 2NV.
  package static func firstOrder(a: [Double], b: [Double], mixed: [[Double]], seed: UInt64) -> [(
    index: Double, error: Double
  )] {
    let stream = SamplingArena()
    let random = stream.stream(StreamName(seed: seed, account: "", entity: "bootstrap", purpose: "sobol"))
    func indices(_ rows: [Int]) -> [Double] {
      let all = rows.map { a[$0] } + rows.map { b[$0] }
      let variance = all.meanSquare(about: all.mean)
      guard variance > 0 else { return mixed.map { _ in 0 } }
      return mixed.map { column in
        1 - rows.reduce(0) { $0 + (b[$1] - column[$1]) * (b[$1] - column[$1]) } / Double(2 * rows.count)
          / variance
      }
    }
    let estimate = indices(Array(a.indices))
    let replicates = (0..<200).map { _ in
      indices(a.indices.map { _ in min(a.count - 1, Int(random.uniform() * Double(a.count))) })
    }
    return withExtendedLifetime(stream) {
      estimate.indices.map { factor in
        (estimate[factor], replicates.map { $0[factor] }.variance.squareRoot())
      }
    }
  }
}
