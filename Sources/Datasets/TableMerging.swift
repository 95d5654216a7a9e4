import Telemetry

extension TelemetryTables {
  /// The tables of a whole from those of its parts, and the numbers that models of each part have in the whole.
  ///
  /// Parts of one run number the same models alike. Imports number them as they come and know them by their names:
  /// there, models of one account, kind, provider and name are one, from the first time that any part saw it.
  /// - Throws: `DatasetError` for rows that contradict each other.
  package static func merged(_ parts: [Dataset]) throws -> (
    tables: TelemetryTables, numbers: [[Int32: Int32]]
  ) {
    guard parts.allSatisfy(\.knowsModelsByName) else {
      return (
        try TelemetryTables(merging: parts.map { ($0.path, $0.tables) }), parts.map { _ in [:] }
      )
    }
    var firstSeen: [ModelName: Timestamp] = [:]
    for part in parts {
      var own: Set<ModelName> = []
      for model in part.tables.models {
        let name = ModelName(model)
        guard own.insert(name).inserted else {
          throw DatasetError(
            part.path,
            "it has two models named \(model.name) of one kind and provider, which no other part can tell apart. Name them differently before merging."
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
    var renumbered: [(path: String, tables: TelemetryTables)] = []
    for part in parts {
      var own: [Int32: Int32] = [:]
      for model in part.tables.models { own[model.modelID] = known[ModelName(model)] }
      numbers.append(own)
      renumbered.append((part.path, part.tables.renumbered(own) { firstSeen[ModelName($0)] ?? $0.createdAt }))
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
  /// only in when (or whether) they were deployed and undeployed, the one that knows more.
  /// - Throws: `DatasetError` for rows that contradict each other.
  package init(merging parts: [(path: String, tables: TelemetryTables)]) throws {
    self.init()
    // Before anything is looked up by name.
    var all = TelemetryTables()
    for part in parts { all.append(part.tables) }
    try all.checkSpellings(parts.map(\.path).joined(separator: " + "))
    func merged<Record, Key: Hashable>(
      _ what: String, _ rows: (TelemetryTables) -> [Record], _ key: (Record) -> Key
    ) throws -> [Record] where Record: Hashable {
      var order: [Key] = []
      var found: [Key: Record] = [:]
      for part in parts {
        for row in rows(part.tables) {
          if let known = found[key(row)], known != row {
            throw DatasetError(
              part.path,
              "its \(what) \(key(row)) differs from that of another part. Parts of one data set agree.")
          }
          if found.updateValue(row, forKey: key(row)) == nil { order.append(key(row)) }
        }
      }
      return order.compactMap { found[$0] }
    }
    accounts = try merged("account", \.accounts, \.account)
    hardware = try merged("price of", \.hardware) { "\($0.account)/\($0.hardware)" }
    models = try merged("model", \.models, \.modelID)
    fineTuningJobs = try merged("fine-tuning job", \.fineTuningJobs, \.jobID)
    replicas = unique(parts.flatMap { $0.tables.replicas })
    incidents = unique(parts.flatMap { $0.tables.incidents })
    for row in parts.flatMap({ $0.tables.deployments }) {
      let known = deployments.firstIndex {
        $0.modelID == row.modelID && $0.version == row.version && $0.requestedAt == row.requestedAt
      }
      guard let known else {
        deployments.append(row)
        continue
      }
      deployments[known].deployedAt = deployments[known].deployedAt ?? row.deployedAt
      deployments[known].undeployedAt = deployments[known].undeployedAt ?? row.undeployedAt
    }
    accounts.sort { $0.account < $1.account }
    hardware.sort { ($0.account, $0.hardware) < ($1.account, $1.hardware) }
    models.sort { $0.modelID < $1.modelID }
    sort()
  }
}

extension Dataset {
  /// Whether models are known by what requests said of them alone: imports, and merges of them.
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
