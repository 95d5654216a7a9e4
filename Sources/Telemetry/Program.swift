/// This program, as manifests, plans and tasks name it.
package enum Program {
  package static let name = "workbench"
  /// Of the figures too: only the same version gives the same bytes.
  package static let version = "0.1.0"
  /// `workbench 0.1.0`.
  package static let nameAndVersion = "\(name) \(version)"
}
