/// Names of failures by outcome code: the platform's own, then those that foreign telemetry brings. Shared by a reader,
/// which adds to it, and the sinks of its requests.
package final class FailureReasons {
  package private(set) var names: [String]

  package init(_ names: [String] = RequestOutcome.names) { self.names = names }

  /// The code of a reason; a new one for a new name, `nil` if there are no more.
  /// - Throws: what `Name` and `NameSpellings` say of a new one.
  package func code(of name: String) throws(NameProblem) -> UInt8? {
    if let known = names.firstIndex(where: { Name.same($0, name) }) { return UInt8(known) }
    try Name.check(name)
    var spellings = NameSpellings()
    for known in names + [name] { try spellings.admit(known) }
    guard names.count < 255 else { return nil }
    names.append(name)
    return UInt8(names.count - 1)
  }
}
