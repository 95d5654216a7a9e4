import Telemetry

// How each record is a row of its table: see contracts, "Telemetry tables".

extension AccountRecord: TableRecord {
  static let schema = TableSchema(
    "accounts", "Accounts and their subscriptions.",
    [.text("account"), .text("time_zone"), .int32("subscription_max_replicas")])
  var cells: [Cell] { [.text(account), .text(timeZone), .integer(Int64(subscriptionMaxReplicas))] }
  init(_ row: Row) throws {
    self.init(
      account: try row.name("account"), timeZone: row.text("time_zone"),
      subscriptionMaxReplicas: try row.count("subscription_max_replicas"))
    guard ZonedCalendar(identifier: timeZone) != nil else {
      throw RowError(
        column: "time_zone",
        message: "unknown time zone \"\(timeZone)\". Use an IANA name such as America/New_York.")
    }
  }
}

extension HardwareRecord: TableRecord {
  static let schema = TableSchema(
    "hardware", "The price list in force: micro-credits per replica and hour.",
    [.text("account"), .text("hardware"), .integer("credits_micro_per_hour")])
  var cells: [Cell] { [.text(account), .text(hardware), .integer(creditsMicroPerHour)] }
  /// Two prices would leave open which holds.
  var identity: RowIdentity? { RowIdentity("hardware", [hardware, account]) }
  init(_ row: Row) throws {
    self.init(
      account: try row.name("account"), hardware: try row.name("hardware"),
      creditsMicroPerHour: try row.integer("credits_micro_per_hour", 0...1_000_000_000_000_000))
  }
}

extension ModelRecord: TableRecord {
  static let schema = TableSchema(
    "models", "Models; model_id is unique in the data set.",
    [
      .int32("model_id"), .text("account"), .text("kind"), .text("name"), .text("provider"),
      .instant("created_at"),
    ])
  var cells: [Cell] {
    [
      .integer(Int64(modelID)), .text(account), .text(kind.rawValue), .text(name), .text(provider),
      .instant(createdAt),
    ]
  }
  init(_ row: Row) throws {
    self.init(
      modelID: try row.modelID(), account: try row.name("account"), kind: try row.choice("kind"),
      name: try row.name("name"),
      provider: try row.name("provider", mayBeEmpty: true), createdAt: row.instant("created_at"))
  }
}

extension DeploymentRecord: TableRecord {
  static let schema = TableSchema(
    "deployments", "Deployments of model versions.",
    [
      .int32("model_id"), .text("version"), .text("hardware"), .int32("min_replicas"),
      .int32("max_replicas"),
      .int32("max_batch_size"), .instant("requested_at"), .instant("deployed_at").optional,
      .instant("undeployed_at").optional, .text("outcome"),
    ])
  var cells: [Cell] {
    [
      .integer(Int64(modelID)), .text(version), .text(hardware), .integer(Int64(minReplicas)),
      .integer(Int64(maxReplicas)), .integer(Int64(maxBatchSize)), .instant(requestedAt),
      deployedAt.map { .instant($0) } ?? .empty, undeployedAt.map { .instant($0) } ?? .empty,
      .text(outcome.rawValue),
    ]
  }
  init(_ row: Row) throws {
    self.init(
      modelID: try row.modelID(), version: try row.name("version", mayBeEmpty: true),
      hardware: try row.name("hardware", mayBeEmpty: true),
      minReplicas: try row.count("min_replicas"), maxReplicas: try row.count("max_replicas"),
      maxBatchSize: try row.count("max_batch_size"), requestedAt: row.instant("requested_at"),
      deployedAt: row.optionalInstant("deployed_at"), undeployedAt: row.optionalInstant("undeployed_at"),
      outcome: try row.choice("outcome"))
  }
}

extension ReplicaRecord: TableRecord {
  static let schema = TableSchema(
    "replicas", "A version's replicas after each change.",
    [
      .instant("at"), .int32("model_id"), .text("version"), .text("hardware"), .int32("starting"),
      .int32("ready"), .int32("draining"), .text("limited_by"),
    ])
  var cells: [Cell] {
    [
      .instant(at), .integer(Int64(modelID)), .text(version), .text(hardware), .integer(Int64(starting)),
      .integer(Int64(ready)), .integer(Int64(draining)), .text(limitedBy.rawValue),
    ]
  }
  init(_ row: Row) throws {
    self.init(
      at: row.instant("at"), modelID: try row.modelID(), version: try row.name("version", mayBeEmpty: true),
      hardware: try row.name("hardware", mayBeEmpty: true),
      starting: try row.count("starting"), ready: try row.count("ready"), draining: try row.count("draining"),
      limitedBy: try row.choice("limited_by"))
  }
}

extension FineTuningJobRecord: TableRecord {
  static let schema = TableSchema(
    "fine_tuning_jobs", "Fine-tuning jobs.",
    [
      .integer("job_id"), .int32("model_id"), .text("base_model"), .text("hardware"), .instant("started_at"),
      .instant("finished_at"), .text("outcome"), .integer("credits_micro"),
    ])
  var cells: [Cell] {
    [
      .integer(jobID), .integer(Int64(modelID)), .text(baseModel), .text(hardware), .instant(startedAt),
      .instant(finishedAt), .text(outcome.rawValue), .integer(creditsMicro),
    ]
  }
  var identity: RowIdentity? { RowIdentity("job_id", [String(jobID)]) }
  init(_ row: Row) throws {
    self.init(
      jobID: try row.integer("job_id"), modelID: try row.modelID(),
      baseModel: try row.name("base_model", mayBeEmpty: true),
      hardware: try row.name("hardware", mayBeEmpty: true), startedAt: row.instant("started_at"),
      finishedAt: row.instant("finished_at"),
      outcome: try row.choice("outcome"),
      creditsMicro: try row.integer("credits_micro", 0...1_000_000_000_000_000))
    guard startedAt <= finishedAt else {
      throw RowError(
        column: "finished_at", message: "the job finished before it started. Check both instants.")
    }
  }
}

extension IncidentRecord: TableRecord {
  static let schema = TableSchema(
    "incidents", "Outages, degradations, and operations that deploy windows moved or refused.",
    [
      .int32("model_id").optional, .text("provider"), .text("kind"), .instant("started_at"),
      .instant("ended_at"),
    ])
  var cells: [Cell] {
    [
      modelID.map { .integer(Int64($0)) } ?? .empty, .text(provider), .text(kind), .instant(startedAt),
      .instant(endedAt),
    ]
  }
  init(_ row: Row) throws {
    self.init(
      modelID: try row.optionalModelID(), provider: try row.name("provider", mayBeEmpty: true),
      kind: try row.name("kind", mayBeEmpty: true),
      startedAt: row.instant("started_at"), endedAt: row.instant("ended_at"))
  }
}

extension KVCacheRecord: TableRecord {
  static let schema = TableSchema(
    "kv_cache",
    "What the KV caches of a version's replicas on one hardware were used for, a row for each quarter of an hour in which there were any. A data set that knows no KV cache does not have the table.",
    [
      .instant("at", "The start of the quarter of an hour."), .int32("model_id"), .text("version"),
      .text("hardware"),
      .integer("blocks", "Blocks of a replica, of all its ranks together."),
      .integer("replica_ms", "Time of ready and draining replicas in the quarter, added up, ms."),
      .integer("used_block_ms", "Blocks that requests held × time, over all replicas, ms."),
      .integer("peak_blocks", "The most blocks that requests held at one instant on one replica."),
      .integer("preemptions", "How often a request lost its blocks to others."),
    ], mayBeAbsent: true)
  var cells: [Cell] {
    [
      .instant(at), .integer(Int64(modelID)), .text(version), .text(hardware), .integer(blocks),
      .integer(replicaMilliseconds), .integer(usedBlockMilliseconds), .integer(peakBlocks),
      .integer(preemptions),
    ]
  }
  init(_ row: Row) throws {
    self.init(
      at: row.instant("at"), modelID: try row.modelID(), version: try row.name("version", mayBeEmpty: true),
      hardware: try row.name("hardware", mayBeEmpty: true),
      blocks: try row.integer("blocks", 1...Limits.kvCacheBlocks),
      replicaMilliseconds: try row.integer("replica_ms", 0...Limits.exactSum),
      usedBlockMilliseconds: try row.integer("used_block_ms"),
      peakBlocks: try row.integer("peak_blocks", 0...Limits.kvCacheBlocks),
      preemptions: try row.integer("preemptions", 0...Limits.exactSum))
    guard at.microseconds % Self.quarter == 0 else {
      throw RowError(
        column: "at",
        message: "at \(at.rfc3339) is not the start of a quarter of an hour. Add up the rows of each quarter."
      )
    }
  }
}
