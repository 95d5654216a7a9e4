/// Something that the user of the program can set, and that messages advise setting. Libraries name it by this; each
/// front end has a name of its own for it: an option, a field of a form, a member of JSON.
package enum Setting: String, CaseIterable, Sendable {
  case account, anchor, formats, hardware, kind, now, operation, output, provider, rejects, replace, replicas,
    replications, samples, store, strict, version, what
  /// One value of a scenario or plan, by its path.
  case override = "set"

  /// In a sentence, where it is not known what the reader sees.
  package var plainName: String {
    switch self {
    case .output: "output directory"
    case .rejects: "rejects file"
    case .replace: "replacing"
    case .what: "scope"
    case .override: "override"
    default: rawValue
    }
  }
}

/// A sentence that may name settings.
package struct Wording: ExpressibleByStringInterpolation, Hashable, Sendable {
  fileprivate enum Segment: Hashable, Sendable {
    case text(String)
    case setting(Setting, value: String?)
  }

  private var segments: [Segment]

  package init(_ text: String) { segments = [.text(text)] }

  package init(stringLiteral value: String) { self.init(value) }

  package init(stringInterpolation: StringInterpolation) { segments = stringInterpolation.segments }

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var segments: [Segment] = []

    package init(literalCapacity: Int, interpolationCount: Int) {}

    package mutating func appendLiteral(_ literal: String) { segments.append(.text(literal)) }

    package mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      segments.append(.text(value.description))
    }

    /// - Parameter value: that the setting should have.
    package mutating func appendInterpolation(setting: Setting, _ value: String? = nil) {
      segments.append(.setting(setting, value: value))
    }
  }

  /// The sentence.
  /// - Parameter name: what a front end calls a setting.
  package func text(naming name: (Setting) -> String = \.plainName) -> String {
    segments.map { segment in
      switch segment {
      case .text(let text): text
      case .setting(let setting, let value): value.map { "\(name(setting)) \($0)" } ?? name(setting)
      }
    }.joined()
  }
}

/// What kind of thing went wrong; the front ends have a status for each.
package enum ErrorKind: Sendable {
  /// What was asked for is wrong, whatever the data.
  case usage
  /// A file cannot be read as what it should be, or contradicts another.
  case data
  case notFound
  /// Output cannot be written.
  case output
  /// There was nothing to judge, or too little to tell.
  case inconclusive
  /// A part of the program is missing.
  case installation
  /// A fault of the program.
  case `internal`
}

/// An error in words for the person who can fix it, on one line: what is wrong, where, and how to fix it.
package protocol ExplainedError: Error, CustomStringConvertible {
  var kind: ErrorKind { get }
  /// Whether its text begins with a place, and "error"; that of others is a sentence about what was asked for.
  var hasPlace: Bool { get }
  /// - Parameter name: what a front end calls a setting.
  func text(naming name: (Setting) -> String) -> String
}

extension ExplainedError {
  package var hasPlace: Bool { true }
  package var description: String { text(naming: \.plainName) }
}
