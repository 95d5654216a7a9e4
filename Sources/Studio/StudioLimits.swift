/// How much may be asked for at the page.
package struct StudioLimits: Encodable, Equatable, Sendable {
  /// Requests that a what-if may expect.
  package var whatIfRequests = 20_000_000.0
  /// Requests beyond which a first part is simulated before the whole.
  package var sliceRequests = 1_500_000.0
  /// Requests that a run which is kept may expect.
  package var keptRequests = 200_000_000.0
  /// Requests that all replications of a plan may expect together.
  package var planRequests = 2_000_000_000.0
  package var planVariants = 500
  package var jobsAtOnce = 1
  package var jobsWaiting = 16
  package var uploadBytes = 1 << 30
  package var scenarioBytes = 1 << 20
  /// Bytes that must be free on a disk before anything is written to it.
  package var freeBytes = 1 << 30

  package init() {}
}
