import Telemetry

extension TelemetryTables {
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

/// Each once, in order of appearance.
private func unique<Element: Hashable>(_ elements: [Element]) -> [Element] {
  var seen: Set<Element> = []
  return elements.filter { seen.insert($0).inserted }
}
