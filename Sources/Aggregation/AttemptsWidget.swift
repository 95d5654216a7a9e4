/// What clients wanted, and what they sent for it: a client that tries again sends a new request.
package struct AttemptsWidget: Equatable, Sendable {
  /// First attempts.
  package var operations: Int64
  /// All of them.
  package var attempts: Int64
  /// Those that succeeded: no operation has more than one such attempt.
  package var answered: Int64

  /// `nil` where telemetry numbers no attempt: then the dashboard does not have the part.
  init?(_ total: RollupTotal) {
    guard total.attempts > 0 else { return nil }
    operations = total.operations
    attempts = total.attempts
    answered = total.answered
  }
}
