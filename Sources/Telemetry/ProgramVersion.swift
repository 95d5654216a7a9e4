/// The program that writes telemetry, results and manifests: what they name as their origin.
package enum Program {
  package static let name = "workbench"
  /// Semantic version.
  package static let version = "0.1.0"
  /// `workbench 0.1.0`. Runs of different programs may differ in their bytes, so whatever must agree in bytes compares
  /// this.
  package static let nameAndVersion = "\(name) \(version)"
}
