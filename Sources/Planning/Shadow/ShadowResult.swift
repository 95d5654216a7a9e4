import Telemetry

/// What a policy would have decided otherwise than what was recorded, and what that would have cost or spared.
package struct ShadowResult: Encodable, Sendable {
  package var telemetry: String
  package var policy: String
  package var resolution: ShadowDemand.Resolution
  /// What the resolution means, and what is assumed: a sentence each.
  package var notes: [String]
  package var deployments: [Deployment]

  package struct Deployment: Encodable, Sendable {
    package var account: String
    package var model: String
    package var version: String
    package var hardware: String
    /// The kind of policy.
    package var policy: String
    package var minReplicas: Int
    package var maxReplicas: Int
    package var maxBatchSize: Int
    /// From a replica's start until it serves.
    package var startupSeconds: Double
    /// Of the policy's parts, those that look at what the resolution does not show.
    package var unseen: [String]
    /// RFC 3339, UTC; half open.
    package var from: String
    package var to: String
    /// Of that, the time in which replicas were recorded.
    package var comparedHours: Double
    package var agreement: Agreement
    package var recorded: Side
    package var shadow: Side
    /// The times in which both differ, in order; the longest ones, weighted by the difference, where there are many.
    package var differences: [Difference]
    package var differencesInAll: Int
    package var series: Series
    package var notes: [String]

    package var name: String { "\(account)/\(model)\(version.isEmpty ? "" : " \(version)")" }
  }

  /// Over the time that is compared; shares of it.
  package struct Agreement: Encodable, Sendable {
    package var equal = 0.0
    /// The policy would have had more, or fewer, replicas.
    package var above = 0.0
    package var below = 0.0
    /// Replicas.
    package var meanAbsoluteDifference = 0.0

    package init() {}
  }

  package struct Side: Encodable, Sendable {
    package var meanReplicas = 0.0
    package var peakReplicas = 0
    /// Of all replicas that are paid for: those that drain too, where they are known.
    package var replicaHours = 0.0
    /// `nil` where the hardware has no known price.
    package var credits: Double?
    /// Time in which demand exceeded what ready replicas serve at once; `nil` where that is unknown.
    package var shortHours: Double?

    package init() {}
  }

  /// A time in which both are what they are.
  package struct Difference: Encodable, Sendable, Equatable {
    package var from: String
    package var to: String
    package var recorded: Int
    package var shadow: Int
    package var hours: Double

    var weight: Double { hours * Double(abs(shadow - recorded)) }
  }

  /// Means of equal intervals.
  package struct Series: Encodable, Sendable {
    /// Starts, ms since 1970.
    package var at: [Int64] = []
    package var intervalSeconds = 0.0
    /// `nil` where nothing was recorded.
    package var recorded: [Double?] = []
    package var shadow: [Double] = []
    /// Demand in replicas' worth of slots: in progress ÷ maxBatchSize; and its peak.
    package var demand: [Double] = []
    package var peakDemand: [Double] = []

    package init() {}
  }

  /// The deployment with the least agreement.
  package var worst: Deployment? { deployments.min { $0.agreement.equal < $1.agreement.equal } }
}
