/// Named limits of everything that the program computes with. Readers of scenarios and telemetry check them and report
/// violations, so that deeper in the program no packed field and no product can overflow.
package enum Limits {
  /// Deployments of one model: an hourly version over a year, and some. The engine's events name them in 16 bits.
  package static let deploymentsOfModel = 10_000
  /// Replicas of one deployment: the engine's events name them in 8 bits.
  package static let replicasOfDeployment = 256
  /// The platform's own limits of a deployment's minReplicas and maxReplicas; an account may have others.
  package static let platformMinReplicas = 10
  package static let platformMaxReplicas = 50
  /// Requests that a replica serves at once: the platform's limit.
  package static let batchSize = 256
  /// Requests of one model that are served at once: the engine numbers their places in 24 bits.
  package static let requestsInService = 1 << 24
  /// Models and deployments of a scenario over all accounts: identifiers and series are 32 bits wide, and memory ends
  /// long before.
  package static let modelsAndDeployments = 10_000_000
  /// Tokens of one request, input or output. Draws beyond are cut to it.
  package static let tokens = 2_147_483_000
  /// From a request's arrival to its end, µs: 100 days. Readers, imports, scenarios and simulations share it.
  package static let latency: Int64 = 100 * 86_400_000_000
  /// What one request costs, in millionths: sums of a billion of them fit into 64 bits.
  package static let cost: Int64 = 1_000_000_000
  /// Bytes of the hashes of one prompt's blocks: 131,072 tokens in blocks of 16, with hashes of 15 digits. With the longest
  /// names a line stays within what writers reserve.
  package static let prefix = 1 << 17
  /// Blocks of a replica's KV cache, of all its ranks together: 256 ranks of 2³² blocks.
  package static let kvCacheBlocks: Int64 = 1 << 40
  /// What a row adds to a sum of 64 bits, of which there may be thousands.
  package static let exactSum: Int64 = 1_000_000_000_000_000
  /// Further attempts of one request: counted in 8 bits.
  package static let attempts = 100
}

/// A simulated value that telemetry cannot hold, which could not be known before it was drawn.
package struct TelemetryLimitError: ExplainedError {
  package let kind = ErrorKind.data
  package let hasPlace = false
  private let message: String

  package init(_ message: String) { self.message = message }

  package func text(naming name: (Setting) -> String) -> String { message.shown }
}
