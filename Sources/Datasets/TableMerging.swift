import Telemetry

extension TelemetryTables {
  /// The tables of a whole from those of its shards, and the numbers that models of each shard have in the whole.
  ///
  /// Shards of one run number the same models alike. Imports number them in order of appearance and identify them by
  /// name: there, models of one account, kind, provider and name are one model, which exists from the first time that
  /// any shard saw it.
  /// - Parameter periods: of each shard.
  /// - Throws: `DatasetError` for rows that contradict each other.
  static func merged(_ shards: [Dataset], _ periods: [Range<Timestamp>]) throws -> (
    tables: TelemetryTables, numbers: [[Int32: Int32]]
  ) {
    guard shards.allSatisfy(\.knowsModelsByName) else {
      let whole = zip(shards, periods).map { MergedTables(path: $0.path, tables: $0.tables, period: $1) }
      return (try TelemetryTables(merging: whole), shards.map { _ in [:] })
    }
    var firstSeen: [ModelName: Timestamp] = [:]
    for shard in shards {
      var own: Set<ModelName> = []
      for model in shard.tables.models {
        let name = ModelName(model)
        guard own.insert(name).inserted else {
          throw DatasetError(
            shard.path,
            "it has two models named \(model.name) of the same kind and provider, which the other shards cannot tell apart. Name them differently before merging."
          )
        }
        firstSeen[name] = min(firstSeen[name] ?? model.createdAt, model.createdAt)
      }
    }
    // Numbers that agree stay; others are given by name, so that the order of shards does not matter.
    var known: [ModelName: Int32] = [:]
    var agree = true
    for model in shards.flatMap(\.tables.models) {
      let before = known.updateValue(model.modelID, forKey: ModelName(model))
      if let before, before != model.modelID { agree = false }
    }
    if Set(known.values).count < known.count { agree = false }
    if !agree {
      for (index, name) in known.keys.sorted().enumerated() { known[name] = Int32(index + 1) }
    }
    var numbers: [[Int32: Int32]] = []
    var renumbered: [MergedTables] = []
    for (shard, period) in zip(shards, periods) {
      var own: [Int32: Int32] = [:]
      for model in shard.tables.models { own[model.modelID] = known[ModelName(model)] }
      numbers.append(own)
      renumbered.append(
        MergedTables(
          path: shard.path, tables: shard.tables.renumbered(own) { firstSeen[ModelName($0)] ?? $0.createdAt },
          period: period))
    }
    // A version, too, exists from the first time that any shard saw it.
    var versions: [Series: Timestamp] = [:]
    for row in renumbered.flatMap(\.tables.deployments) {
      let entry = Series(modelID: row.modelID, version: row.version)
      versions[entry] = min(versions[entry] ?? row.requestedAt, row.requestedAt)
    }
    for place in renumbered.indices {
      for row in renumbered[place].tables.deployments.indices {
        let deployment = renumbered[place].tables.deployments[row]
        let first = versions[Series(modelID: deployment.modelID, version: deployment.version)]
        renumbered[place].tables.deployments[row].requestedAt = first ?? deployment.requestedAt
        renumbered[place].tables.deployments[row].deployedAt = first ?? deployment.deployedAt
      }
    }
    return (try TelemetryTables(merging: renumbered), numbers)
  }

  /// - Parameter created: when each model was.
  private func renumbered(_ numbers: [Int32: Int32], created: (ModelRecord) -> Timestamp) -> TelemetryTables {
    var tables = self
    func number(_ id: Int32) -> Int32 { numbers[id] ?? id }
    for index in tables.models.indices {
      tables.models[index].createdAt = created(tables.models[index])
      tables.models[index].modelID = number(tables.models[index].modelID)
    }
    for index in tables.deployments.indices {
      tables.deployments[index].modelID = number(tables.deployments[index].modelID)
    }
    for index in tables.incidents.indices {
      tables.incidents[index].modelID = tables.incidents[index].modelID.map(number)
    }
    for index in tables.kvCache.indices {
      tables.kvCache[index].modelID = number(tables.kvCache[index].modelID)
    }
    return tables
  }

  /// The tables of a whole from those of its shards: rows that are the same become one; of two deployments that differ
  /// only in when (or whether) they were deployed and undeployed, what the shards saw of it that were there at the time.
  /// - Throws: `DatasetError` for rows that contradict each other.
  package init(merging shards: [MergedTables]) throws {
    self.init()
    // Before anything is looked up by name.
    var all = TelemetryTables()
    for shard in shards { all.append(shard.tables) }
    try all.checkSpellings(shards.map(\.path).joined(separator: " + "))
    func merged<Record, Key: Hashable>(
      _ what: String, _ rows: (TelemetryTables) -> [Record], _ key: (Record) -> Key
    ) throws -> [Record] where Record: Hashable & TableRecord {
      var order: [Key] = []
      var found: [Key: (row: Record, path: String)] = [:]
      for shard in shards {
        for row in rows(shard.tables) {
          if let known = found[key(row)] {
            if known.row != row {
              throw Self.contradiction("\(what) \(key(row))", row, shard.path, known.row, known.path)
            }
          } else {
            found[key(row)] = (row, shard.path)
            order.append(key(row))
          }
        }
      }
      return order.compactMap { found[$0]?.row }
    }
    accounts = try merged("account", \.accounts, \.account)
    hardware = try merged("price of", \.hardware) { "\($0.account)/\($0.hardware)" }
    models = try merged("model", \.models, \.modelID)
    fineTuningJobs = try merged("fine-tuning job", \.fineTuningJobs, \.jobID)
    try ShardAgreement.checkReplicas(shards)
    replicas = unique(shards.flatMap { $0.tables.replicas })
    incidents = unique(shards.flatMap { $0.tables.incidents })
    kvCache = unique(shards.flatMap { $0.tables.kvCache })
    deployments = try Self.mergedDeployments(shards)
    accounts.sort { $0.account < $1.account }
    hardware.sort { ($0.account, $0.hardware) < ($1.account, $1.hardware) }
    models.sort { $0.modelID < $1.modelID }
    sort()
  }

  /// Of shards of different times, the first shows how a deployment began, and the last how it ended. What was asked for
  /// is the same in all.
  private static func mergedDeployments(_ shards: [MergedTables]) throws -> [DeploymentRecord] {
    struct Key: Hashable {
      var model: Int32
      var version: ExactName
      var requestedAt: Timestamp
    }
    var order: [Key] = []
    var found: [Key: [(row: DeploymentRecord, place: Int)]] = [:]
    for (place, tables) in shards.map(\.tables).enumerated() {
      for row in tables.deployments {
        let key = Key(model: row.modelID, version: ExactName(row.version), requestedAt: row.requestedAt)
        if found[key] == nil { order.append(key) }
        found[key, default: []].append((row, place))
      }
    }
    return try order.compactMap { key in
      guard let rows = found[key], let first = rows.first else { return nil }
      for (row, place) in rows.dropFirst() {
        // Where a shard ends before something happens, it does not know of it.
        var other = first.row
        let both = shards[place].period.overlaps(shards[first.place].period)
        if !both || row.deployedAt == nil || other.deployedAt == nil { other.deployedAt = row.deployedAt }
        if !both || row.undeployedAt == nil || other.undeployedAt == nil {
          other.undeployedAt = row.undeployedAt
        }
        if !both { other.outcome = row.outcome }
        if other != row {
          throw contradiction(
            "deployment of version \(row.version), model_id \(row.modelID),", row, shards[place].path, other,
            shards[first.place].path)
        }
      }
      let inTime = rows.sorted {
        (shards[$0.place].period.lowerBound, shards[$0.place].period.upperBound)
          < (shards[$1.place].period.lowerBound, shards[$1.place].period.upperBound)
      }.map(\.row)
      var merged = inTime[0]
      merged.deployedAt = inTime.lazy.compactMap(\.deployedAt).first
      merged.undeployedAt = inTime.lazy.reversed().compactMap(\.undeployedAt).first
      return merged
    }
  }

  /// What differs between two rows that should be one.
  private static func contradiction<Record: TableRecord>(
    _ what: String, _ row: Record, _ path: String, _ other: Record, _ otherPath: String
  ) -> DatasetError {
    func words(_ cell: Cell) -> String {
      switch cell {
      case .text(let text): "\"\(text)\""
      case .integer(let number): "\(number)"
      case .instant(let instant): instant.rfc3339
      case .empty: "nothing"
      }
    }
    let differences = zip(Record.schema.columns, zip(row.cells, other.cells)).filter { $1.0 != $1.1 }.map {
      "\($0.name) is \(words($1.0)) here and \(words($1.1)) there"
    }
    return DatasetError(
      path,
      "its \(what) differs from that of \(otherPath): \(differences.joined(separator: "; ")). Shards of one data set must agree."
    )
  }
}

extension Dataset {
  /// Whether models are known only from their requests: imports, and merges of them.
  fileprivate var knowsModelsByName: Bool {
    manifest?.scenario == nil && tables.replicas.isEmpty && tables.hardware.isEmpty
      && tables.fineTuningJobs.isEmpty
      && tables.deployments.allSatisfy { $0.hardware == "unknown" && $0.maxReplicas == 0 }
  }
}

/// What an import knows a model by. Bytes, since two names that only look alike are two.
private struct ModelName: Hashable, Comparable {
  private let components: [[UInt8]]

  init(_ model: ModelRecord) {
    components = [model.account, model.kind.rawValue, model.provider, model.name].map { Array($0.utf8) }
  }

  static func < (a: ModelName, b: ModelName) -> Bool {
    for (own, other) in zip(a.components, b.components) where own != other {
      return own.lexicographicallyPrecedes(other)
    }
    return false
  }
}

/// Each once, in order of appearance.
private func unique<Element: Hashable>(_ elements: [Element]) -> [Element] {
  var seen: Set<Element> = []
  return elements.filter { seen.insert($0).inserted }
}
