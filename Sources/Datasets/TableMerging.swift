import Telemetry

extension TelemetryTables {
  /// The tables of a whole from those of its parts, and the numbers that models of each part have in the whole.
  ///
  /// Parts of one run number the same models alike. Imports number them as they come and know them by their names:
  /// there, models of one account, kind, provider and name are one, from the first time that any part saw it.
  /// - Parameter periods: of each part.
  /// - Throws: `DatasetError` for rows that contradict each other.
  static func merged(_ parts: [Dataset], _ periods: [Range<Timestamp>]) throws -> (
    tables: TelemetryTables, numbers: [[Int32: Int32]]
  ) {
    guard parts.allSatisfy(\.knowsModelsByName) else {
      let whole = zip(parts, periods).map { MergedTables(path: $0.path, tables: $0.tables, period: $1) }
      return (try TelemetryTables(merging: whole), parts.map { _ in [:] })
    }
    var firstSeen: [ModelName: Timestamp] = [:]
    for part in parts {
      var own: Set<ModelName> = []
      for model in part.tables.models {
        let name = ModelName(model)
        guard own.insert(name).inserted else {
          throw DatasetError(
            part.path,
            "it has two models named \(model.name) of the same kind and provider, which the other shards cannot tell apart. Name them differently before merging."
          )
        }
        firstSeen[name] = min(firstSeen[name] ?? model.createdAt, model.createdAt)
      }
    }
    // Numbers that agree stay; others are given by name, so that the order of parts does not matter.
    var known: [ModelName: Int32] = [:]
    var agree = true
    for model in parts.flatMap(\.tables.models) {
      let before = known.updateValue(model.modelID, forKey: ModelName(model))
      if let before, before != model.modelID { agree = false }
    }
    if Set(known.values).count < known.count { agree = false }
    if !agree {
      for (index, name) in known.keys.sorted().enumerated() { known[name] = Int32(index + 1) }
    }
    var numbers: [[Int32: Int32]] = []
    var renumbered: [MergedTables] = []
    for (part, period) in zip(parts, periods) {
      var own: [Int32: Int32] = [:]
      for model in part.tables.models { own[model.modelID] = known[ModelName(model)] }
      numbers.append(own)
      renumbered.append(
        MergedTables(
          path: part.path, tables: part.tables.renumbered(own) { firstSeen[ModelName($0)] ?? $0.createdAt },
          period: period))
    }
    // A version is there from the first time that any part saw it, too.
    var versions: [Series: Timestamp] = [:]
    for row in renumbered.flatMap(\.tables.deployments) {
      let entry = Series(modelID: row.modelID, version: row.version)
      versions[entry] = min(versions[entry] ?? row.requestedAt, row.requestedAt)
    }
    for part in renumbered.indices {
      for row in renumbered[part].tables.deployments.indices {
        let deployment = renumbered[part].tables.deployments[row]
        let first = versions[Series(modelID: deployment.modelID, version: deployment.version)]
        renumbered[part].tables.deployments[row].requestedAt = first ?? deployment.requestedAt
        renumbered[part].tables.deployments[row].deployedAt = first ?? deployment.deployedAt
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
    return tables
  }

  /// The tables of a whole from those of its parts: rows that are the same become one; of two deployments that differ
  /// only in when (or whether) they were deployed and undeployed, what the parts saw of it that were there at the time.
  /// - Throws: `DatasetError` for rows that contradict each other.
  package init(merging parts: [MergedTables]) throws {
    self.init()
    // Before anything is looked up by name.
    var all = TelemetryTables()
    for part in parts { all.append(part.tables) }
    try all.checkSpellings(parts.map(\.path).joined(separator: " + "))
    func merged<Record, Key: Hashable>(
      _ what: String, _ rows: (TelemetryTables) -> [Record], _ key: (Record) -> Key
    ) throws -> [Record] where Record: Hashable & TableRecord {
      var order: [Key] = []
      var found: [Key: (row: Record, path: String)] = [:]
      for part in parts {
        for row in rows(part.tables) {
          if let known = found[key(row)] {
            if known.row != row {
              throw Self.contradiction("\(what) \(key(row))", row, part.path, known.row, known.path)
            }
          } else {
            found[key(row)] = (row, part.path)
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
    try PartAgreement.checkReplicas(parts)
    replicas = unique(parts.flatMap { $0.tables.replicas })
    incidents = unique(parts.flatMap { $0.tables.incidents })
    deployments = try Self.mergedDeployments(parts)
    accounts.sort { $0.account < $1.account }
    hardware.sort { ($0.account, $0.hardware) < ($1.account, $1.hardware) }
    models.sort { $0.modelID < $1.modelID }
    sort()
  }

  /// Of shards of different times, the first shows how a deployment began, and the last how it ended. What was asked for
  /// is the same in all.
  private static func mergedDeployments(_ parts: [MergedTables]) throws -> [DeploymentRecord] {
    struct Key: Hashable {
      var model: Int32
      var version: ExactName
      var requestedAt: Timestamp
    }
    var order: [Key] = []
    var found: [Key: [(row: DeploymentRecord, part: Int)]] = [:]
    for (part, tables) in parts.map(\.tables).enumerated() {
      for row in tables.deployments {
        let key = Key(model: row.modelID, version: ExactName(row.version), requestedAt: row.requestedAt)
        if found[key] == nil { order.append(key) }
        found[key, default: []].append((row, part))
      }
    }
    return try order.compactMap { key in
      guard let rows = found[key], let first = rows.first else { return nil }
      for (row, part) in rows.dropFirst() {
        // Where a part ends before something happens, it does not know of it.
        var other = first.row
        let both = parts[part].period.overlaps(parts[first.part].period)
        if !both || row.deployedAt == nil || other.deployedAt == nil { other.deployedAt = row.deployedAt }
        if !both || row.undeployedAt == nil || other.undeployedAt == nil {
          other.undeployedAt = row.undeployedAt
        }
        if !both { other.outcome = row.outcome }
        if other != row {
          throw contradiction(
            "deployment of version \(row.version), model_id \(row.modelID),", row, parts[part].path, other,
            parts[first.part].path)
        }
      }
      let inTime = rows.sorted {
        (parts[$0.part].period.lowerBound, parts[$0.part].period.upperBound)
          < (parts[$1.part].period.lowerBound, parts[$1.part].period.upperBound)
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
  private let parts: [[UInt8]]

  init(_ model: ModelRecord) {
    parts = [model.account, model.kind.rawValue, model.provider, model.name].map { Array($0.utf8) }
  }

  static func < (a: ModelName, b: ModelName) -> Bool {
    for (own, other) in zip(a.parts, b.parts) where own != other {
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
