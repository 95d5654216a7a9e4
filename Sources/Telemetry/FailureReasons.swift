/// Names of failures by outcome code: the platform's own, then those that foreign telemetry brings. Shared by a reader,
/// which adds to it, and the sinks of its requests.
package final class FailureReasons {
  /// Codes that there are: a byte's, less one that no outcome has.
  package static let most = Int(UInt8.max)
  /// Of them for reasons that are not the platform's.
  package static let mostForeign = most - RequestOutcome.names.count
  /// What is wrong with telemetry that has more.
  package static let tooMany =
    "there are more than \(mostForeign) different failure reasons that are not the platform's. Write an error's category, not its message, or \"other\" for the rest."

  package private(set) var names: [String]

  package init(_ names: [String] = RequestOutcome.names) { self.names = names }

  /// The code of a reason; a new one for a new name, `nil` if there are no more.
  /// - Throws: what `Name` and `NameSpellings` say of a new one.
  package func code(of name: String) throws(NameProblem) -> UInt8? {
    if let known = known(name) { return known }
    try Name.check(name)
    var spellings = NameSpellings()
    for known in names + [name] { try spellings.admit(known) }
    guard names.count < Self.most else { return nil }
    names.append(name)
    return UInt8(names.count - 1)
  }

  /// The code of a reason, or of "other" where there are no more but that.
  /// - Throws: what `Name` and `NameSpellings` say of a new one.
  package func codeOrOther(of name: String) throws(NameProblem) -> (code: UInt8, isOther: Bool) {
    if let known = known(name) { return (known, false) }
    let other = "other"
    if names.count < Self.most - 1 || Name.same(name, other), let code = try code(of: name) {
      return (code, false)
    }
    return (try code(of: other) ?? UInt8(names.count - 1), true)
  }

  private func known(_ name: String) -> UInt8? {
    names.firstIndex { Name.same($0, name) }.map { UInt8($0) }
  }
}
