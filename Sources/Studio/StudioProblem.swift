import Documents

/// Why something that was asked for at the page cannot be done, in words that name no path of the machine.
package struct StudioProblem: Error, CustomStringConvertible, Sendable {
  package enum Kind: Sendable {
    /// What was asked is wrong.
    case invalid
    /// It does not exist.
    case absent
    /// It does not go with this one, or its place is taken.
    case conflict
    /// Somebody else has changed it in the meantime.
    case changed
    /// More than is done at a time, or at all.
    case limit
    /// There is no room on the disk.
    case full
  }

  package var kind: Kind
  package var description: String
  /// What of the question is wrong, if one part is.
  package var parameter: String?
  /// Of a document that was read.
  package var diagnostics: [Diagnostic] = []
  /// Of what has been changed in the meantime: its version now.
  package var version: String?

  package init(_ kind: Kind, _ description: String, parameter: String? = nil) {
    (self.kind, self.description, self.parameter) = (kind, description, parameter)
  }

  /// A document with errors.
  package init(_ diagnostics: [Diagnostic], parameter: String) {
    self.init(
      .invalid, diagnostics.first.map { $0.message } ?? "The document is not valid.", parameter: parameter)
    self.diagnostics = diagnostics
  }
}
