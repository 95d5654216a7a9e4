import Telemetry

/// What is known of a figure of the dashboard, or of a group of them: who writes, describes, checks, compares or shows
/// figures reads it here.
package struct FigureDescription: Sendable {
  /// The member of JSON.
  package let name: String
  /// For people; empty for a group.
  package let label: String
  package let kind: FigureKind

  /// Whether answers that do not have it lack its name, too.
  package var isOmitted: Bool {
    switch kind {
    case .instant(let isOmitted), .group(_, _, let isOmitted, _): isOmitted
    default: false
    }
  }
}

/// What values a figure has.
package indirect enum FigureKind: Sendable {
  /// A whole number of at least 0.
  case count(isOptional: Bool)
  /// Counts by names that are data.
  case counts
  /// A number. Two ways to compute it may differ by the tolerance, a share of it.
  case number(FigureUnit, isOptional: Bool, tolerance: Double)
  /// Text, of a few if `of` is not empty.
  case text(of: [String], isOptional: Bool)
  /// Text of a form that a regular expression gives.
  case pattern(String)
  /// Always the same text.
  case constant(String)
  case flag
  /// RFC 3339, in the account's time zone.
  case instant(isOmitted: Bool)
  case group(FigureGroup, isOptional: Bool, isOmitted: Bool, about: String)
  case list(FigureGroup, about: String)

  /// Of figures that are alike except for the last bits: exact sums, divided once.
  package static let rounding = 1e-9
  /// Of a quantile from a histogram.
  package static let binning = 0.01
}

package enum FigureUnit: String, Encodable, Sendable {
  case milliseconds = "ms"
  case credits
  /// In [0, 1].
  case share
  /// In the currency of the telemetry.
  case money
}

/// Figures that stand together as one object of JSON.
package struct FigureGroup: Sendable {
  package let about: String
  package let figures: [FigureDescription]
}

/// A figure of one part of the dashboard: what is known of it, and how it is written.
package struct DashboardFigure<Part>: Sendable {
  typealias Container = KeyedEncodingContainer<FigureKey>

  let description: FigureDescription
  private let write: @Sendable (Part, FigureKey, inout Container) throws -> Void

  private init(
    _ name: String, _ label: String, _ kind: FigureKind,
    _ write: @escaping @Sendable (Part, FigureKey, inout Container) throws -> Void
  ) {
    description = FigureDescription(name: name, label: label, kind: kind)
    self.write = write
  }

  func encode(_ part: Part, to container: inout Container) throws {
    try write(part, FigureKey(description.name), &container)
  }
}

extension DashboardFigure {
  static func count(_ name: String, _ label: String, _ value: @escaping @Sendable (Part) -> Int64) -> Self {
    Self(name, label, .count(isOptional: false)) { try $2.encode(value($0), forKey: $1) }
  }

  static func count(_ name: String, _ label: String, orNull value: @escaping @Sendable (Part) -> Int?) -> Self
  {
    Self(name, label, .count(isOptional: true)) { try $2.encode(value($0), forKey: $1) }
  }

  static func counts(_ name: String, _ label: String, _ value: @escaping @Sendable (Part) -> [String: Int64])
    -> Self
  {
    Self(name, label, .counts) { try $2.encode(value($0), forKey: $1) }
  }

  static func number(
    _ name: String, _ label: String, _ unit: FigureUnit, tolerance: Double = FigureKind.rounding,
    _ value: @escaping @Sendable (Part) -> Double
  ) -> Self {
    Self(name, label, .number(unit, isOptional: false, tolerance: tolerance)) {
      try $2.encode(value($0), forKey: $1)
    }
  }

  static func number(
    _ name: String, _ label: String, _ unit: FigureUnit, tolerance: Double = FigureKind.rounding,
    orNull value: @escaping @Sendable (Part) -> Double?
  ) -> Self {
    Self(name, label, .number(unit, isOptional: true, tolerance: tolerance)) {
      try $2.encode(value($0), forKey: $1)
    }
  }

  static func text(
    _ name: String, _ label: String, of choices: [String] = [], _ value: @escaping @Sendable (Part) -> String
  ) -> Self {
    Self(name, label, .text(of: choices, isOptional: false)) { try $2.encode(value($0), forKey: $1) }
  }

  static func text(_ name: String, _ label: String, orNull value: @escaping @Sendable (Part) -> String?)
    -> Self
  {
    Self(name, label, .text(of: [], isOptional: true)) { try $2.encode(value($0), forKey: $1) }
  }

  static func text(
    _ name: String, _ label: String, pattern: String, _ value: @escaping @Sendable (Part) -> String
  ) -> Self {
    Self(name, label, .pattern(pattern)) { try $2.encode(value($0), forKey: $1) }
  }

  static func constant(_ name: String, _ label: String, _ value: String) -> Self {
    Self(name, label, .constant(value)) { try $2.encode(value, forKey: $1) }
  }

  static func flag(_ name: String, _ label: String, _ value: @escaping @Sendable (Part) -> Bool) -> Self {
    Self(name, label, .flag) { try $2.encode(value($0), forKey: $1) }
  }

  static func instant(_ name: String, _ label: String, _ value: @escaping @Sendable (Part) -> String) -> Self
  {
    Self(name, label, .instant(isOmitted: false)) { try $2.encode(value($0), forKey: $1) }
  }

  static func instant(
    _ name: String, _ label: String, orOmitted value: @escaping @Sendable (Part) -> String?
  ) -> Self {
    Self(name, label, .instant(isOmitted: true)) { try $2.encodeIfPresent(value($0), forKey: $1) }
  }

  static func group<Group: DashboardPart>(
    _ name: String, _ value: @escaping @Sendable (Part) -> Group
  ) -> Self {
    Self(name, "", .group(Group.group, isOptional: false, isOmitted: false, about: "")) {
      try $2.encode(value($0), forKey: $1)
    }
  }

  static func group<Group: DashboardPart>(
    _ name: String, _ about: String, orNull value: @escaping @Sendable (Part) -> Group?
  ) -> Self {
    Self(name, "", .group(Group.group, isOptional: true, isOmitted: false, about: about)) {
      try $2.encode(value($0), forKey: $1)
    }
  }

  static func group<Group: DashboardPart>(
    _ name: String, _ about: String, orOmitted value: @escaping @Sendable (Part) -> Group?
  ) -> Self {
    Self(name, "", .group(Group.group, isOptional: false, isOmitted: true, about: about)) {
      try $2.encodeIfPresent(value($0), forKey: $1)
    }
  }

  static func list<Element: DashboardPart>(
    _ name: String, _ about: String, _ value: @escaping @Sendable (Part) -> [Element]
  ) -> Self {
    Self(name, "", .list(Element.group, about: about)) { try $2.encode(value($0), forKey: $1) }
  }
}

/// An object of the dashboard's JSON: its members are its list of figures and nothing else.
package protocol DashboardPart: Encodable, Sendable {
  static var about: String { get }
  static var figures: [DashboardFigure<Self>] { get }
}

extension DashboardPart {
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: FigureKey.self)
    for figure in Self.figures { try figure.encode(self, to: &container) }
  }

  /// What is known of its figures.
  package static var group: FigureGroup { FigureGroup(about: about, figures: figures.map(\.description)) }
}

struct FigureKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(_ name: String) { stringValue = name }
  init?(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}

extension FigureGroup {
  /// Every figure below, in order, by its path: `requests.points[].failures`.
  package func paths(_ prefix: String = "") -> [(path: String, figure: FigureDescription)] {
    figures.flatMap { figure -> [(path: String, figure: FigureDescription)] in
      let path = prefix + figure.name
      switch figure.kind {
      case .group(let group, _, _, _): return group.paths("\(path).")
      case .list(let group, _): return group.paths("\(path)[].")
      default: return [(path, figure)]
      }
    }
  }
}
