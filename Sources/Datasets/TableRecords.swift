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
