/// Replicas that read a version's prompts, while others decode, are a version of their own in telemetry: they have
/// hardware, replicas and credits, and their requests are those of the version that they read for.
package enum PrefillVersion {
  /// The name of the version of those that read for another.
  package static func name(for version: String) -> String { version + " prefill" }
}
