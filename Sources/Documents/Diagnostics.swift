import Foundation
import Telemetry

/// Where something is: a line and column of the document, or an override of one of its values.
package enum Location: Hashable, Sendable {
  /// Both from 1; columns count Unicode scalars.
  case document(line: Int, column: Int)
  case override(String)

  /// `path:line:column`, or the override.
  /// - Parameter name: what a front end calls a setting; overrides are one.
  package func words(path: String, naming name: (Setting) -> String = \.plainName) -> String {
    switch self {
    case .document(let line, let column): "\(path):\(line):\(column)"
    case .override(let text): "\(name(.override)) \(text)"
    }
  }
}

/// One thing that is wrong, where it is, and how to fix it.
package struct Diagnostic: Hashable, Sendable {
  package var location: Location?
  package var message: String

  package enum Severity: String, Sendable, Encodable { case error, warning }
  package var severity = Severity.error

  package init(location: Location?, message: String, severity: Severity = .error) {
    self.location = location
    self.message = message
    self.severity = severity
  }

  /// `trace.csv:3:2: error: what.` as part of another message.
  package static func embedded(_ description: String) -> String {
    let separator = ": error: "
    guard let range = description.firstRange(of: separator) else { return description }
    return "\(description[..<range.lowerBound]): \(description[range.upperBound...])"
  }

  /// `path:line:column: error: message`, or `warning` in its place, on one line, whatever names it contains.
  /// - Parameter name: what a front end calls a setting; overrides are one.
  package func rendered(path: String, naming name: (Setting) -> String = \.plainName) -> String {
    "\(location?.words(path: path, naming: name) ?? path): \(severity.rawValue): \(message)".shown
  }
}

extension [Diagnostic] {
  /// In the order of the document; what stands nowhere in it keeps its place.
  package func inOrder() -> [Diagnostic] {
    enumerated().sorted { a, b in
      switch (a.element.location, b.element.location) {
      case (.document(let line, let column), .document(let otherLine, let otherColumn)):
        (line, column, a.offset) < (otherLine, otherColumn, b.offset)
      default: a.offset < b.offset
      }
    }.map(\.element)
  }
}

/// All that is wrong with a document, in its order.
package struct DocumentErrors: ExplainedError {
  package let kind = ErrorKind.data
  package let path: String
  package let diagnostics: [Diagnostic]

  package init(path: String, diagnostics: [Diagnostic]) {
    self.path = path
    self.diagnostics = diagnostics
  }

  /// A line for each.
  package func text(naming name: (Setting) -> String) -> String {
    diagnostics.map { $0.rendered(path: path, naming: name) }.joined(separator: "\n")
  }
}

/// Collects diagnostics while a document is read, so that one pass reports them all.
package final class Diagnostics {
  package private(set) var all: [Diagnostic] = []
  /// Names that the document has used.
  package var spellings = NameSpellings()
  /// Files whose contents stand where the document names them, by that place.
  package var files: [Location: String] = [:]
  private static let most = 200

  package init() {}

  package func error(_ location: Location?, _ message: String) {
    let diagnostic = Diagnostic(location: location, message: message)
    if all.count < Self.most, !all.contains(diagnostic) { all.append(diagnostic) }
  }

  /// What is valid but probably not meant.
  package private(set) var warnings: [Diagnostic] = []

  package func warning(_ location: Location?, _ message: String) {
    let diagnostic = Diagnostic(location: location, message: message, severity: .warning)
    if warnings.count < Self.most, !warnings.contains(diagnostic) { warnings.append(diagnostic) }
  }

  package func inOrder() -> [Diagnostic] { all.inOrder() }
}

/// The candidate that a misspelt word most probably means, if any is near.
package func nearest(_ word: String, among candidates: some Sequence<String>) -> String? {
  let target = Array(word.lowercased().unicodeScalars)
  guard target.count <= 100 else { return nil }
  let ranked = candidates.map {
    (candidate: $0, distance: editDistance(target, Array($0.lowercased().unicodeScalars)))
  }
  guard let best = ranked.min(by: { ($0.distance, $0.candidate) < ($1.distance, $1.candidate) }) else {
    return nil
  }
  return best.distance <= max(2, target.count / 3) ? best.candidate : nil
}

/// Insertions, deletions, substitutions and swaps of neighbours. Source: Damerau (1964), restricted.
private func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
  if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
  var beforeLast = [Int]()
  var last = Array(0...b.count)
  for i in 1...a.count {
    var row = [i] + Array(repeating: 0, count: b.count)
    for j in 1...b.count {
      row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
        row[j] = min(row[j], beforeLast[j - 2] + 1)
      }
    }
    (beforeLast, last) = (last, row)
  }
  return last[b.count]
}

/// `"x"`, cut where it is long, so that a hostile document cannot flood the terminal.
package func quoted(_ text: String) -> String {
  let start = String(String.UnicodeScalarView(text.unicodeScalars.prefix(60)))
  return "\"\(start.shown)\(text.unicodeScalars.count > 60 ? "…" : "")\""
}
