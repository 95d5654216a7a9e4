/// Names of failures by outcome code: the platform's own, then those that foreign telemetry brings. Shared by a reader,
/// which adds to it, and the sinks of its requests.
package final class FailureReasons {
  /// Codes that there are: a byte's, less one that no outcome has.
  package static let most = 255

  package private(set) var names: [String]

  package init(_ names: [String] = RequestOutcome.names) { self.names = names }

  /// The code of a reason; a new one for a new name, `nil` if there are no more.
  package func code(of name: String) -> UInt8? {
    if let known = names.firstIndex(of: name) { return UInt8(known) }
    guard names.count < Self.most else { return nil }
    names.append(name)
    return UInt8(names.count - 1)
  }

  /// The code of a reason, or of "other" where there are no more but that.
  package func codeOrOther(of name: String) -> (code: UInt8, isOther: Bool) {
    if let known = names.firstIndex(of: name) { return (UInt8(known), false) }
    if names.count < Self.most - 1 || name == "other", let code = code(of: name) { return (code, false) }
    return (code(of: "other") ?? UInt8(names.count - 1), true)
  }
}
