// The small tables of the telemetry schema: one struct a table, its fields named as the columns are.

package struct AccountRecord: Hashable, Sendable {
  package var account: String
  /// IANA identifier.
  package var timeZone: String
  package var subscriptionMaxReplicas: Int

  package init(account: String, timeZone: String, subscriptionMaxReplicas: Int) {
    self.account = account
    self.timeZone = timeZone
    self.subscriptionMaxReplicas = subscriptionMaxReplicas
  }
}

package struct HardwareRecord: Hashable, Sendable {
  package var account: String
  package var hardware: String
  /// Micro-credits per replica and hour.
  package var creditsMicroPerHour: Int64

  package init(account: String, hardware: String, creditsMicroPerHour: Int64) {
    self.account = account
    self.hardware = hardware
    self.creditsMicroPerHour = creditsMicroPerHour
  }
}

package enum ModelKind: String, CaseIterable, Sendable {
  case fineTuned, openSource, external
}

package struct ModelRecord: Hashable, Sendable {
  package var modelID: Int32
  package var account: String
  package var kind: ModelKind
  package var name: String
  /// Empty unless external.
  package var provider: String
  package var createdAt: Timestamp

  package init(
    modelID: Int32, account: String, kind: ModelKind, name: String, provider: String, createdAt: Timestamp
  ) {
    self.modelID = modelID
    self.account = account
    self.kind = kind
    self.name = name
    self.provider = provider
    self.createdAt = createdAt
  }
}

package enum DeploymentOutcome: String, CaseIterable, Sendable {
  /// Deployed when asked for.
  case deployed
  /// Had to wait for a deploy window or for room under the subscription.
  case deferred
  /// Not deployed at all.
  case refused
}

package struct DeploymentRecord: Hashable, Sendable {
  package var modelID: Int32
  package var version: String
  package var hardware: String
  package var minReplicas: Int
  package var maxReplicas: Int
  package var maxBatchSize: Int
  package var requestedAt: Timestamp
  /// When its first replica was ready; `nil` if that never happened.
  package var deployedAt: Timestamp?
  /// When its last replica was released; `nil` while deployed.
  package var undeployedAt: Timestamp?
  package var outcome: DeploymentOutcome

  package init(
    modelID: Int32, version: String, hardware: String, minReplicas: Int, maxReplicas: Int,
    maxBatchSize: Int, requestedAt: Timestamp, deployedAt: Timestamp?, undeployedAt: Timestamp?,
    outcome: DeploymentOutcome
  ) {
    self.modelID = modelID
    self.version = version
    self.hardware = hardware
    self.minReplicas = minReplicas
    self.maxReplicas = maxReplicas
    self.maxBatchSize = maxBatchSize
    self.requestedAt = requestedAt
    self.deployedAt = deployedAt
    self.undeployedAt = undeployedAt
    self.outcome = outcome
  }
}

/// What cut a scale-up short. Names of cases are what tables say, and the scenario's keys.
package enum ReplicaLimit: String, CaseIterable, Sendable {
  case none = ""
  case maxReplicas
  case subscription
  /// What the subscription allows of one hardware.
  case perHardware
  /// The machines of a pool.
  case pool
}

/// The replicas of a model version after a change.
package struct ReplicaRecord: Hashable, Sendable {
  package var at: Timestamp
  package var modelID: Int32
  package var version: String
  package var hardware: String
  package var starting: Int
  package var ready: Int
  package var draining: Int
  package var limitedBy: ReplicaLimit

  package init(
    at: Timestamp, modelID: Int32, version: String, hardware: String, starting: Int, ready: Int,
    draining: Int, limitedBy: ReplicaLimit
  ) {
    self.at = at
    self.modelID = modelID
    self.version = version
    self.hardware = hardware
    self.starting = starting
    self.ready = ready
    self.draining = draining
    self.limitedBy = limitedBy
  }

  /// What the account pays for, and the dashboard shows.
  package var replicas: Int { starting + ready + draining }
}

package enum FineTuningOutcome: String, CaseIterable, Sendable {
  case succeeded, failed, cancelled
}

package struct FineTuningJobRecord: Hashable, Sendable {
  package var jobID: Int64
  package var modelID: Int32
  package var baseModel: String
  package var hardware: String
  package var startedAt: Timestamp
  package var finishedAt: Timestamp
  package var outcome: FineTuningOutcome
  package var creditsMicro: Int64

  package init(
    jobID: Int64, modelID: Int32, baseModel: String, hardware: String, startedAt: Timestamp,
    finishedAt: Timestamp, outcome: FineTuningOutcome, creditsMicro: Int64
  ) {
    self.jobID = jobID
    self.modelID = modelID
    self.baseModel = baseModel
    self.hardware = hardware
    self.startedAt = startedAt
    self.finishedAt = finishedAt
    self.outcome = outcome
    self.creditsMicro = creditsMicro
  }
}

/// What an incident can be. Names of cases are what tables say.
package enum IncidentKind: String, CaseIterable, Sendable {
  case outage, degradation
  /// Deploy windows moved an undeployment, or refused it.
  case undeployDeferred, undeployRefused
  /// A provider wanted a spot machine back, from its notice until the machine was gone.
  case reclaim
}

package struct IncidentRecord: Hashable, Sendable {
  package var modelID: Int32?
  /// Empty where it does not concern a provider.
  package var provider: String
  package var kind: String
  package var startedAt: Timestamp
  package var endedAt: Timestamp

  package init(modelID: Int32?, provider: String, kind: String, startedAt: Timestamp, endedAt: Timestamp) {
    self.modelID = modelID
    self.provider = provider
    self.kind = kind
    self.startedAt = startedAt
    self.endedAt = endedAt
  }
}

/// What the KV caches of a version's replicas on one hardware were used for in a quarter of an hour.
package struct KVCacheRecord: Hashable, Sendable {
  /// The start of the quarter, UTC.
  package var at: Timestamp
  package var modelID: Int32
  package var version: String
  package var hardware: String
  /// That each replica has, of all its ranks together.
  package var blocks: Int64
  /// Time of ready and draining replicas in the quarter, added up, ms.
  package var replicaMilliseconds: Int64
  /// Blocks that requests held × the time for which they held them, over all replicas, ms.
  package var usedBlockMilliseconds: Int64
  /// The most blocks that requests held at one instant on one replica.
  package var peakBlocks: Int64
  /// How often a request lost its blocks to others, and was read anew.
  package var preemptions: Int64

  package init(
    at: Timestamp, modelID: Int32, version: String, hardware: String, blocks: Int64,
    replicaMilliseconds: Int64, usedBlockMilliseconds: Int64, peakBlocks: Int64, preemptions: Int64
  ) {
    self.at = at
    self.modelID = modelID
    self.version = version
    self.hardware = hardware
    self.blocks = blocks
    self.replicaMilliseconds = replicaMilliseconds
    self.usedBlockMilliseconds = usedBlockMilliseconds
    self.peakBlocks = peakBlocks
    self.preemptions = preemptions
  }

  /// A quarter of an hour, µs.
  package static let quarter: Int64 = 900_000_000
}

/// All small tables of a data set. Only requests are too many to hold.
package struct TelemetryTables: Equatable, Sendable {
  package var accounts: [AccountRecord] = []
  package var hardware: [HardwareRecord] = []
  package var models: [ModelRecord] = []
  package var deployments: [DeploymentRecord] = []
  package var replicas: [ReplicaRecord] = []
  package var fineTuningJobs: [FineTuningJobRecord] = []
  package var incidents: [IncidentRecord] = []
  /// Empty where no KV cache is known: then a data set does not have the table.
  package var kvCache: [KVCacheRecord] = []

  package init() {}

  package mutating func append(_ other: TelemetryTables) {
    accounts += other.accounts
    hardware += other.hardware
    models += other.models
    deployments += other.deployments
    replicas += other.replicas
    fineTuningJobs += other.fineTuningJobs
    incidents += other.incidents
    kvCache += other.kvCache
  }

  /// The tables of each account by itself. Incidents without a model are in none.
  package func byAccount() -> [String: TelemetryTables] {
    var split: [String: TelemetryTables] = [:]
    for account in accounts { split[account.account, default: .init()].accounts.append(account) }
    for row in hardware { split[row.account, default: .init()].hardware.append(row) }
    var owner: [Int32: String] = [:]
    for model in models {
      owner[model.modelID] = model.account
      split[model.account, default: .init()].models.append(model)
    }
    func account(_ model: Int32) -> String { owner[model] ?? "" }
    for row in deployments { split[account(row.modelID), default: .init()].deployments.append(row) }
    for row in replicas { split[account(row.modelID), default: .init()].replicas.append(row) }
    for row in fineTuningJobs { split[account(row.modelID), default: .init()].fineTuningJobs.append(row) }
    for row in incidents {
      if let model = row.modelID { split[account(model), default: .init()].incidents.append(row) }
    }
    for row in kvCache { split[account(row.modelID), default: .init()].kvCache.append(row) }
    return split
  }

  /// The order in which the tables are written: by model and time, since the schema prescribes no other.
  package mutating func sort() {
    deployments.sort { ($0.modelID, $0.requestedAt, $0.version) < ($1.modelID, $1.requestedAt, $1.version) }
    replicas.sort { ($0.at, $0.modelID, $0.version) < ($1.at, $1.modelID, $1.version) }
    fineTuningJobs.sort { $0.jobID < $1.jobID }
    incidents.sort {
      ($0.startedAt, $0.modelID ?? -1, $0.provider, $0.kind)
        < ($1.startedAt, $1.modelID ?? -1, $1.provider, $1.kind)
    }
    kvCache.sort {
      ($0.at, $0.modelID, $0.version, $0.hardware, $0.blocks)
        < ($1.at, $1.modelID, $1.version, $1.hardware, $1.blocks)
    }
  }
}
